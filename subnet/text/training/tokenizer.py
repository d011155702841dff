# SPDX-License-Identifier: Apache-2.0
"""A tokenizer made of the parts that documents, questions and answers are put together from.

A syllable of a name, a turn of phrase and two digits of a number are one token each, so that a document has about a
hundred tokens and a small model reads it fast. Whatever is not a known part becomes bytes: every text survives the way
there and back.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from subnet.text.chance import stream
from subnet.text.training.examples import Example, example
from subnet.text.vocabulary import ATTRIBUTES, KINDS, NAME, REMARKS, Parts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["LONGEST", "made_tokenizer"]

BEGIN: Final = "<|begin|>"
END: Final = "<|end|>"
PAD: Final = "<|pad|>"
LONGEST: Final = 4096
"""The tokens that a prompt and its answer may have together."""

_EXAMPLES: Final = 600
_RARE: Final = 3
# From the right, two digits at a time: equally long numbers are split alike.
_NUMBER: Final = r" ?[0-9]{1,2}(?=(?:[0-9]{2})*(?![0-9]))"
_RUN: Final = re.compile(r"\s*[^\w\s]+|\s*\w+(?: \w+)*|\s+")


def made_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer, always the same; needs the extra [ml]."""
    from transformers import PreTrainedTokenizerFast

    with NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
        json.dump(_description(), file)
        file.flush()
        return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_file=file.name,
            bos_token=BEGIN,
            eos_token=END,
            pad_token=PAD,
            model_max_length=LONGEST,
            clean_up_tokenization_spaces=False,
            padding_side="left",
            # A stranger's prompt may spell these tokens, and is then text like any other.
            split_special_tokens=True,
        )


def _description() -> dict[str, Any]:
    """What the library reads: split at known parts, take each as a token, and all else as bytes."""
    words = _words()
    letters = _letters()
    spelt = ["".join(letters[byte] for byte in word.encode()) for word in words]
    names = dict.fromkeys([BEGIN, END, PAD, *letters, *spelt])
    vocabulary = {name: at for at, name in enumerate(names)}
    special = [{"id": vocabulary[name], "content": name, "special": True} for name in (BEGIN, END, PAD)]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    begun = [{"SpecialToken": {"id": BEGIN, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "version": "1.0",
        "added_tokens": [token | flags for token in special],
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": _pattern(words)}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": begun,
            "pair": [*begun, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {BEGIN: {"id": BEGIN, "ids": [vocabulary[BEGIN]], "tokens": [BEGIN]}},
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [], "ignore_merges": True},
    }


def _pattern(words: Iterable[str]) -> str:
    """Numbers, then the longest word that fits; a syllable within a name only where the rest of the name follows."""
    tails = "|".join(map(re.escape, NAME[-1]))
    middles = "|".join(map(re.escape, sorted(NAME[1], key=len, reverse=True)))
    whole = (word for word in words if word not in NAME[1] and not re.fullmatch(_NUMBER, word))
    longest = "|".join(map(re.escape, sorted(whole, key=lambda word: (-len(word), word))))
    return f"{_NUMBER}|(?:{middles})(?={tails})|{longest}"


def _words() -> list[str]:
    """All tokens of more than a byte, in an order that is always the same."""
    rng, counted = stream(0, "tokenizer"), Counter[str]()
    for _ in range(_EXAMPLES):
        counted.update(_runs(example(rng)))
    words = {word for word, count in counted.items() if count >= _RARE}
    words.update(f" {kind}" for kind in KINDS)
    words.update(f"{space}{word}" for remark in REMARKS for word in remark.split() for space in ("", " "))
    words.update(f"{space}{name}" for one in ATTRIBUTES for name in (one.name, *one.synonyms) for space in ("", " "))
    pieces = {piece for one in ATTRIBUTES for piece in _pieces(one.parts)}
    words |= pieces | {f" {word}" for piece in pieces for word in piece.split() if piece[0] == " "}
    words.update(f"{space}{number}" for space in ("", " ") for number in range(10))
    words.update(f"{space}{number:02}" for space in ("", " ") for number in range(100))
    return sorted(word for word in words if len(word.encode()) > 1)


def _pieces(parts: Parts) -> Iterator[str]:
    """The parts of a value, each with the space before it, where there is one."""
    starts = True
    for words in parts:
        for word in words:
            yield " " * starts + word.strip() if starts or word[0] != " " else word
        starts = words[0].endswith(" ")


def _runs(told: Example) -> Iterator[str]:
    """The runs of words and of signs between the facts of an example."""
    place = told.quiz.place.removeprefix("the ")
    values = [fact.value for fact in (*told.quiz.asked, *told.quiz.rest)]
    names = [name for one in ATTRIBUTES for name in (one.name, *one.synonyms)]
    document, question, answer = told.quiz.document, told.quiz.prompt.removeprefix(told.quiz.document), told.answer
    between = [*_between([place, *values], document), *_between([place, *names], question)]
    between += _between([place, *values, *names], answer)[:-1]  # what follows the last is padding
    for text in between:
        yield from _RUN.findall(text)


def _between(slots: list[str], text: str) -> list[str]:
    longest = sorted(slots, key=lambda slot: -len(slot))
    return re.split("|".join(rf"\b{re.escape(slot)}\b" for slot in longest), text)


def _letters() -> list[str]:
    """A visible letter for each byte, as byte-level tokenizers have it."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = iter(range(256, 512))
    return [chr(byte) if byte in shown else chr(next(hidden)) for byte in range(256)]
