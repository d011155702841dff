# SPDX-License-Identifier: Apache-2.0
"""A query is defined in five lines, cannot be changed by anyone afterwards, and is refused when written unsoundly."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
import types
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from protocols import synapse
from protocols.codec import JSON, MSGPACK
from protocols.errors import BodyTooLarge, InvalidMessage, InvalidSynapse
from protocols.synapse import RESERVED_ROUTES, Reply, Synapse, schema, schema_components


class Item(msgspec.Struct, frozen=True):
    name: str
    score: float


class Ask(Synapse):
    prompt: str
    max_tokens: int = 64

    class Reply:
        """What the model wrote."""

        text: str
        items: list[Item] = []  # noqa: RUF012
        note: str | None = None

        def shout(self) -> str:
            return self.text.upper()


class Typed(Synapse):
    prompt: Annotated[str, msgspec.Meta(max_length=10)]

    class Reply(synapse.Reply):
        text: str


class Tuned(Typed):
    temperature: float = 1.0


# Type checkers see the class as it was written, without the constructor that it gets.
AskReply: Any = Ask.Reply


def test_a_plain_nested_reply_becomes_a_reply() -> None:
    reply = AskReply(text="hi", items=[Item("a", 1.0)])
    assert isinstance(reply, Reply)
    assert reply.shout() == "HI"  # type: ignore[attr-defined]
    assert AskReply.__doc__ == "What the model wrote."
    assert (AskReply.__module__, AskReply.__qualname__) == (__name__, "Ask.Reply")


def test_a_typed_nested_reply_is_left_as_it_is() -> None:
    assert Typed.Reply.__mro__[:2] == (Typed.Reply, Reply)
    assert Typed.Reply(text="hi").text == "hi"


@pytest.mark.parametrize("value", [Ask(prompt="hi"), AskReply(text="hi"), Typed.Reply(text="hi"), Tuned(prompt="hi")])
def test_a_message_survives_pickle_and_both_encodings(value: Synapse | Reply) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    for codec in (JSON, MSGPACK):
        assert codec.decode(codec.encode(value), type(value)) == value


@pytest.mark.parametrize("value", [Ask(prompt="hi"), AskReply(text="hi"), Typed.Reply(text="hi")])
def test_a_message_cannot_be_changed(value: Any) -> None:
    for name in ("prompt", "text", "extra"):
        with pytest.raises(AttributeError):
            setattr(value, name, "other")


def test_the_fields_of_a_reply_never_reach_its_query() -> None:
    with pytest.raises(InvalidMessage, match="unknown field `prompt`"):
        JSON.decode(b'{"text":"hi","prompt":"other"}', Ask.Reply)
    assert Ask.__struct_fields__ == ("prompt", "max_tokens")


def test_an_unknown_field_is_refused_at_construction() -> None:
    with pytest.raises(TypeError, match="Unexpected keyword argument 'prmpt'"):
        Ask(prmpt="hi")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Ask("hi")


def test_a_reply_is_inherited_and_can_be_replaced() -> None:
    class Longer(Typed):
        class Reply(Typed.Reply):
            tokens: int

    assert Tuned.Reply is Typed.Reply
    assert Tuned.__struct_fields__ == ("prompt", "temperature")
    assert Longer.Reply(text="hi", tokens=3).text == "hi"


def test_a_reply_can_be_shared_by_queries() -> None:
    class Other(Synapse):
        question: str
        Reply = Typed.Reply

    assert Other.Reply is Typed.Reply


def test_a_base_without_fields_needs_no_reply_and_passes_its_limits_on() -> None:
    class Large(Synapse):
        max_bytes = 1 << 24

    class Upload(Large):
        data: bytes

        class Reply(synapse.Reply):
            max_bytes = 100
            done: bool

    assert (Upload.max_bytes, Upload.Reply.max_bytes, Ask.max_bytes) == (1 << 24, 100, 1 << 20)
    assert Upload.route() == "/Upload"
    with pytest.raises(InvalidSynapse, match=r"Large has no Reply"):
        Large.route()


def test_a_query_without_fields_is_a_query_if_it_has_a_reply() -> None:
    class Ping(Synapse):
        class Reply(synapse.Reply):
            alive: bool

    assert JSON.decode(b"{}", Ping) == Ping()


def test_a_query_without_a_reply_is_refused_and_told_what_to_write() -> None:
    with pytest.raises(InvalidSynapse, match="Lonely has no Reply") as refused:

        class Lonely(Synapse):
            prompt: str

    assert "class Reply:" in refused.value.help


def test_limits_of_a_plain_reply_are_its_own() -> None:
    class Tiny(Synapse):
        prompt: str

        class Reply:
            max_bytes = 20
            text: str

    with pytest.raises(BodyTooLarge, match=r"Tiny\.Reply has 21 bytes, limit 20"):
        JSON.decode(b'{"text":"' + b"x" * 10 + b'"}', Tiny.Reply)


@pytest.mark.parametrize("name", sorted(RESERVED_ROUTES - {"openapi.json"}))
def test_the_names_of_the_server_s_own_pages_are_refused(name: str) -> None:
    for spelling in (name, name.upper(), name.title()):
        with pytest.raises(InvalidSynapse, match=f"would be served at /{spelling}, which is one of the server's own"):
            types.new_class(spelling, (Synapse,))


def test_a_name_that_no_path_can_carry_is_refused() -> None:
    with pytest.raises(InvalidSynapse, match="expected a name of ASCII letters"):

        class Größe(Synapse):
            pass


DEFINITIONS: dict[str, tuple[str, str]] = {
    "object": ("value: object\n    class Reply: pass", "field value of Bad is object, which cannot travel"),
    "array": ("value: numpy.ndarray\n    class Reply: pass", "field value of Bad is ndarray, which cannot travel"),
    "in a list": (
        "value: list[complex]\n    class Reply: pass",
        "field value[] of Bad is complex, which cannot travel",
    ),
    "in a struct": ("value: Hidden\n    class Reply: pass", "field value.inside of Bad is Raw, which cannot travel"),
    "in the reply": ("class Reply:\n        value: object", "field value of Bad.Reply is object, which cannot travel"),
    "unions of texts": (
        "value: str | bytes\n    class Reply: pass",
        "Bad cannot be described: Type unions may not contain",
    ),
    "unknown name": ("value: Missing\n    class Reply: pass", "Bad has a field whose type is unknown: name 'Missing'"),
    "pairs as keys": (
        "value: dict[tuple[int, int], str]\n    class Reply: pass",
        "field value of Bad has tuple as keys, expected",
    ),
    "mutable": ("class Reply(synapse.Reply, frozen=False):\n        text: str", "Bad.Reply "),
    "array-like": (
        "class Reply(synapse.Reply, array_like=True):\n        text: str",
        "Bad.Reply is mutable, tagged or",
    ),
    "tagged": ("class Reply(synapse.Reply, tag=True):\n        text: str", "Bad.Reply is mutable, tagged or an array"),
    "a field named route": ("route: str\n    class Reply: pass", "Bad has a field named route"),
    "a field named max_bytes": ("max_bytes: int\n    class Reply: pass", "Bad has a field named max_bytes"),
    "no limit": ("max_bytes = 0\n    class Reply: pass", "Bad.max_bytes is 0, expected a positive number of bytes"),
    "odd limit": ("max_field_bytes = 1e6\n    class Reply: pass", "Bad.max_field_bytes is 1000000.0, expected"),
    "reply is a value": ("Reply = 5", "Bad.Reply is int, expected a class"),
    "reply is a type": ("class Reply(dict): pass", "Bad.Reply inherits from dict, expected nothing or"),
    "reply is a struct": ("class Reply(msgspec.Struct): pass", "Bad.Reply inherits from Struct, expected nothing or"),
    "required text with a list for a default": (
        "value: list[int] = [1]\n    class Reply: pass",
        "Bad cannot be defined",
    ),
}


# Of a name that is missing, Python itself complains unless annotations are strings.
CASES = [(case, eager) for case in DEFINITIONS for eager in (False, True) if not (eager and case == "unknown name")]


@pytest.mark.parametrize(("case", "eager"), CASES)
def test_an_unsound_definition_is_refused_when_it_is_made(
    case: str, eager: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, said = DEFINITIONS[case]
    (tmp_path / "bad.py").write_text(
        ("" if eager else "from __future__ import annotations\n")
        + "import msgspec, numpy\nfrom protocols import synapse\n"
        + "class Hidden(msgspec.Struct):\n    inside: msgspec.Raw\n"
        + f"class Bad(synapse.Synapse):\n    {body}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bad", raising=False)
    with pytest.raises(InvalidSynapse) as refused:
        importlib.import_module("bad")
    assert said in refused.value.message


def test_the_schema_is_a_whole_document_with_the_designer_s_limits() -> None:
    document = schema(Typed)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$ref"] == "#/$defs/Typed"
    definition = document["$defs"]["Typed"]
    assert definition["properties"]["prompt"] == {"type": "string", "maxLength": 10}
    assert (definition["required"], definition["additionalProperties"]) == (["prompt"], False)
    json.dumps(document)


def test_schemas_of_several_types_share_their_definitions() -> None:
    (ask, reply), definitions = schema_components((Ask, Ask.Reply))
    assert (ask, reply) == ({"$ref": "#/components/schemas/Ask"}, {"$ref": "#/components/schemas/Reply"})
    assert set(definitions) == {"Ask", "Reply", "Item"}
