# SPDX-License-Identifier: Apache-2.0
"""Pieces of text: together the whole, never half a character, and never beyond a stop text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miners.batching.text import Pieces


@cache
def byte_level() -> Callable[[Sequence[int]], str]:
    """GPT-2's way: any byte is a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: at for at, letter in enumerate(letters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    byte_level_encode[0] = lambda text: tokenizer.encode(text).ids
    return lambda ids: str(tokenizer.decode(list(ids)))


byte_level_encode: list[Callable[[str], list[int]]] = [lambda _: []]


@cache
def pieces_of_words() -> Callable[[Sequence[int]], str]:
    """Llama's way: a mark for the space before a word, bytes for what is not in the vocabulary."""
    from tokenizers import Tokenizer, decoders, models

    words = ["▁the", "▁cat", "s", "▁", "a", "▁dog"]
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)} | {word: 256 + at for at, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True))
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    return lambda ids: str(tokenizer.decode(list(ids)))


def said(pieces: Pieces, groups: Sequence[Sequence[int]]) -> list[str]:
    """What comes out, group by group, and the rest."""
    return [*(pieces.add(group) for group in groups), pieces.rest()]


def groups_of(ids: list[int], sizes: list[int]) -> list[list[int]]:
    """The same tokens in groups of these sizes."""
    groups, at = [], 0
    for size in sizes:
        groups.append(ids[at : at + size])
        at += size
    return [*groups, ids[at:]]


SIZES = st.lists(st.integers(1, 4), max_size=60)


@given(text=st.text(max_size=60), sizes=SIZES)
def test_pieces_make_up_the_text_and_none_holds_half_a_character(text: str, sizes: list[int]) -> None:
    decode = byte_level()
    parts = said(Pieces(decode), groups_of(byte_level_encode[0](text), sizes))
    assert "".join(parts) == text
    assert all("�" not in part for part in parts) or "�" in text


@given(
    text=st.lists(st.sampled_from([[256], [257], [258], [260], [261], list("é€😀".encode()), [195, 169]])), sizes=SIZES
)
def test_words_keep_their_spaces_wherever_the_pieces_end(text: list[list[int]], sizes: list[int]) -> None:
    ids = [token for word in text for token in word]
    parts = said(Pieces(pieces_of_words()), groups_of(ids, sizes))
    assert "".join(parts) == pieces_of_words()(ids)
    assert not any("�" in part for part in parts)


@given(ids=st.lists(st.integers(0, 255), max_size=200), sizes=SIZES)
def test_bytes_that_are_no_text_are_said_all_the_same(ids: list[int], sizes: list[int]) -> None:
    parts = said(Pieces(byte_level()), groups_of(ids, sizes))
    assert "".join(parts).replace("�", "") == byte_level()(ids).replace("�", "")


def test_a_long_run_of_bytes_that_are_no_text_is_not_held_back_for_ever() -> None:
    decode = byte_level()
    (wrong,) = (at for at in range(256) if byte_level_encode[0]("ÿ")[0] == at)
    pieces = Pieces(decode)
    parts = [pieces.add([wrong]) for _ in range(300)]
    assert len("".join(parts)) > 200


@given(text=st.text("abc", max_size=40), stop=st.lists(st.text("abc", min_size=1, max_size=4), max_size=3), sizes=SIZES)
def test_an_answer_ends_before_the_first_stop_text_however_it_is_cut(
    text: str, stop: list[str], sizes: list[int]
) -> None:
    byte_level()
    pieces = Pieces(byte_level(), stop)
    parts = said(pieces, groups_of(byte_level_encode[0](text), sizes))
    # The reference looks at one more character at a time.
    ends = [(size, size - len(one)) for size in range(len(text) + 1) for one in stop if text[:size].endswith(one)]
    assert pieces.stopped == bool(ends)
    assert "".join(parts) == (text[: min(ends)[1]] if ends else text)


@pytest.mark.parametrize("stop", ["END", "ND"])
def test_what_cannot_become_a_stop_text_is_said_at_once(stop: str) -> None:
    byte_level()
    pieces = Pieces(byte_level(), (stop,))
    assert pieces.add(byte_level_encode[0]("abcE")) == ("abc" if stop == "END" else "abcE")
    assert pieces.add(byte_level_encode[0]("x")).endswith("x")
