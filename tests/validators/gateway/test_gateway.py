# SPDX-License-Identifier: Apache-2.0
"""The official client of OpenAI, unchanged, is served by miners over real HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import openai
import pytest

from protocols.errors import UsageError
from tests.validators.gateway.town import (
    Ask,
    Placing,
    saying,
    slowly,
    town,
)
from validators.gateway.keys import Allowance
from validators.gateway.options import GatewayOptions


async def test_a_chat_is_answered_by_a_miner_in_the_shape_that_the_client_expects(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying(lambda prompt: f"you said {prompt}")}) as place:
        user = await place.member()
        answer = await user.chat.completions.create(model="text", messages=[{"role": "user", "content": "hello"}])
        assert answer.choices[0].message.content == "you said hello"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (2, 4)  # bytes by four, rounded up
        assert answer.usage.total_tokens == 6
        # The very query of a round: the definition's own default where the user names no number.
        ((ask, _),) = place.asked["a"]
        assert ask == Ask(prompt="hello")


async def test_a_conversation_becomes_one_text_of_turns_and_parts_are_joined(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying("fine")}) as place:
        user = await place.member()
        await user.chat.completions.create(
            model="text@1",
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "How "}, {"type": "text", "text": "are you?"}]},
                {"role": "assistant", "content": "Fine."},
                {"role": "user", "content": "Really?"},
            ],
            max_completion_tokens=7,
            temperature=0.7,
        )
        ((ask, _),) = place.asked["a"]
        turns = "System: Be brief.\n\nUser: How are you?\n\nAssistant: Fine.\n\nUser: Really?\n\nAssistant:"
        assert ask == Ask(prompt=turns, max_tokens=7)


async def test_a_completion_is_cut_before_the_first_stop_and_says_when_it_was_full(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying("one two three four")}) as place:
        user = await place.member()
        cut = await user.completions.create(model="text", prompt="count", stop=["four", " three"])
        assert (cut.choices[0].text, cut.choices[0].finish_reason) == ("one two", "stop")
        full = await user.completions.create(model="text", prompt="count", max_tokens=4)
        assert (full.choices[0].text, full.choices[0].finish_reason) == ("one two three four", "length")


async def test_an_answer_that_comes_whole_can_be_read_as_a_stream(tmp_path: Path) -> None:
    said = "a long story. " * 200
    async with town(tmp_path, {"a": saying(said[:1000])}) as place:
        user = await place.member()
        stream = await user.chat.completions.create(
            model="text",
            messages=[{"role": "user", "content": "tell"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == said[:1000]
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 250


async def test_embeddings_come_in_the_order_of_the_texts_in_both_encodings(tmp_path: Path) -> None:
    async def places(ask: object, ctx: object) -> object:
        return await Placing().answer(ask, ctx)  # type: ignore[arg-type]

    async with town(tmp_path, {"a": places}, Placing()) as place:
        user = await place.member()
        for encoding in ("float", "base64"):
            told = await user.embeddings.create(model="placing", input=["a", "abc"], encoding_format=encoding)
            assert [row.index for row in told.data] == [0, 1]
            vectors = [row.embedding for row in told.data]
            assert vectors == [[1.0, 1.0], [3.0, 1.0]] or encoding == "base64"
        told = await user.embeddings.create(model="placing", input="abc")  # the client asks for bytes and decodes them
        assert told.data[0].embedding == [3.0, 1.0]
        assert told.usage.prompt_tokens == 1
        with pytest.raises(openai.NotFoundError) as refused:
            await user.completions.create(model="placing", prompt="a")
        assert refused.value.code == "not_offered"


async def test_the_models_are_the_subnet_and_no_other(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying("x")}) as place:
        user = await place.member()
        assert [model.id async for model in user.models.list()] == ["text"]
        assert (await user.models.retrieve("text")).id == "text"
        with pytest.raises(openai.NotFoundError, match="there is no model 'gpt-9', expected text"):
            await user.models.retrieve("gpt-9")
        with pytest.raises(openai.NotFoundError):
            await user.completions.create(model="gpt-9", prompt="hello")
        with pytest.raises(openai.NotFoundError, match="a user has texts and vectors"):
            await user.embeddings.create(model="text", input="hello")
        assert not place.asked["a"]


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"n": 2}, "n is 2, which is not offered here"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools is"),
    ({"response_format": {"type": "json_object"}}, "response_format is json_object"),
    ({"logprobs": True}, "logprobs is True"),
    ({"max_tokens": 0}, "max_tokens is 0, expected 1 to"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop is not up to 4 texts"),
    ({"messages": []}, "messages has 0 entries"),
    ({"messages": [{"role": "user", "content": " "}]}, "the question is empty"),
    ({"messages": [{"role": "tool", "content": "x"}, {"role": "user", "content": "x"}]}, "role is 'tool'"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "a part of type 'image_url'"),
    ({"messages": [{"role": "user", "content": "x" * 4001}]}, "length <= 4000"),
    ({"messages": "hello"}, "Expected `array`"),
]


async def test_what_would_make_it_another_answer_is_refused_in_so_many_words(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying("x")}) as place:
        user = await place.member()
        for changed, message in REFUSED:
            asked = {"model": "text", "messages": [{"role": "user", "content": "hello"}], **changed}
            with pytest.raises(openai.BadRequestError) as refused:
                await user.chat.completions.create(**asked)  # type: ignore[call-overload]
            assert message in refused.value.message
            assert refused.value.type == "invalid_request_error"
        assert not place.asked["a"]


async def test_nobody_is_served_without_a_good_key(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying("x")}) as place:
        user = await place.member()
        await user.completions.create(model="text", prompt="hello")
        good = user.api_key
        for key in ("sk-other", good[:-1] + ("A" if good[-1] != "A" else "B"), "sk-subnet-" + "A" * 43):
            with pytest.raises(openai.AuthenticationError):
                await place.user(key).completions.create(model="text", prompt="hello")
            with pytest.raises(openai.AuthenticationError):
                await place.user(key).models.list()
        await place.keys.revoke("user0")
        with pytest.raises(openai.AuthenticationError, match="unknown here, or revoked"):
            await user.completions.create(model="text", prompt="hello")
        assert len(place.asked["a"]) == 1


async def test_budgets_are_kept_and_the_client_learns_when_to_come_back(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying("x" * 40)}) as place:
        often = await place.member(Allowance(requests=2, tokens=0))
        for _ in range(2):
            await often.completions.create(model="text", prompt="hello")
        with pytest.raises(openai.RateLimitError) as spent:
            await often.completions.create(model="text", prompt="hello")
        assert 1 <= int(spent.value.response.headers["retry-after"]) <= 65
        # Each answer is paid for as if it were full, and settled when it has come: 2 and 10 tokens.
        much = await place.member(Allowance(requests=0, tokens=50))
        for _ in range(3):
            await much.completions.create(model="text", prompt="question", max_tokens=20)
        with pytest.raises(openai.RateLimitError, match="50 tokens a day"):
            await much.completions.create(model="text", prompt="question", max_tokens=20)
        await much.completions.create(model="text", prompt="question", max_tokens=10)
        with pytest.raises(openai.RateLimitError, match="alone could cost"):
            await much.completions.create(model="text", prompt="question", max_tokens=60)
        holders = {one.name: one for one in await place.keys.holders()}
        assert (holders["user1"].spent_requests, holders["user1"].spent_tokens) == (4, 48)


async def test_one_key_may_have_only_so_much_under_way(tmp_path: Path) -> None:
    options = GatewayOptions(audit=0.0, explore=0.0, at_once=2, hedge=0.0)
    async with town(tmp_path, {"a": slowly(0.5, "x")}, options=options) as place:
        user, other = await place.member(), await place.member()
        asked = [user.completions.create(model="text", prompt="hello") for _ in range(4)]
        outcomes = await asyncio.gather(
            *asked, other.completions.create(model="text", prompt="a"), return_exceptions=True
        )
        assert sum(isinstance(one, openai.RateLimitError) for one in outcomes) == 2
        assert not isinstance(outcomes[-1], BaseException)


async def test_a_gateway_that_is_open_is_so_for_this_machine_only(tmp_path: Path) -> None:
    options = GatewayOptions(audit=0.0, explore=0.0, open=True)
    async with town(tmp_path, {"a": saying("x")}, options=options) as place:
        answer = await place.user("no-key").completions.create(model="text", prompt="hello")
        assert answer.choices[0].text == "x"
        for host in ("0.0.0.0", "::", "203.0.113.7", "example.org"):
            with pytest.raises(UsageError, match="open gateway would listen on"):
                await place.gateway.start(host)


async def test_a_hundred_users_at_once_are_all_served_and_share_the_miners(tmp_path: Path) -> None:
    miners = {name: slowly(0.05, f"{name} says") for name in "abcde"}
    options = GatewayOptions(audit=0.0, explore=0.0, at_once=200)
    async with town(tmp_path, dict(miners), options=options) as place:
        user = await place.member()
        asked = [user.completions.create(model="text", prompt=f"question {at}") for at in range(100)]
        answers = await asyncio.gather(*asked)
        assert all(answer.choices[0].text.endswith(" says") for answer in answers)
        loads = [len(asked) for asked in place.asked.values()]
        assert sum(loads) < 150
        assert max(loads) < 45, loads
