# SPDX-License-Identifier: Apache-2.0
"""What the chain says no with, as errors of ours: by the chain's own name for it, wherever in the chain it was said.

A refusal comes in three shapes: a pallet's error in the events of a block, another dispatch error there, or the answer
of a node's pool, which knows only numbers and sentences. The names are the same that a chain in memory uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from protocols.calls import Call
from protocols.errors import LedgerError
from subnet.chain.client.faults import NodeError
from subnet.chain.refusals import named, named_custom

__all__ = ["Named", "is_known", "is_outdated", "of_dispatch", "of_pool", "of_validity"]

Named = Callable[[int, int], tuple[str, str]]
"""The name and the explanation of a pallet's error, by the numbers of both."""

# The order of the chain's enumerations, which its pool answers with.
_INVALID: Final = (
    "Call", "Payment", "Future", "Stale", "BadProof", "AncientBirthBlock", "ExhaustsResources", "Custom",
    "BadMandatory", "MandatoryValidation", "BadSigner", "IndeterminateImplicit", "UnknownOrigin",
)  # fmt: skip
_NAMES_FROM: Final = 300
"""The first runtimes whose custom numbers are these; before, a number is all that is known."""

_SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "inability to pay": "Payment",
        "outdated": "Stale",
        "valid in the future": "Future",
        "bad signature": "BadProof",
        "birth block": "AncientBirthBlock",
        "exhaust": "ExhaustsResources",
        "call is not expected": "Call",
        "signing address": "BadSigner",
    }
)
_KNOWN_ALREADY: Final = 1013
_PRIORITY_TOO_LOW: Final = 1014


def of_dispatch(error: Any, lookup: Named) -> LedgerError:
    """The error of a call that a block includes."""
    if isinstance(error, str):
        return named(error, "the call was included and failed")
    ((kind, detail),) = error.items()
    if kind == "Module":
        number = detail["error"]
        index = bytes.fromhex(number[2:])[0] if isinstance(number, str) else int(number)
        name, docs = lookup(int(detail["index"]), index)
        return named(name, docs or "the call was included and failed")
    return named(f"{kind}.{detail}" if isinstance(detail, str) else str(kind), "the call was included and failed")


def of_pool(error: NodeError, spec_version: int, call: Call) -> LedgerError:
    """The error of a call that no block will include."""
    text = f"{error.message} {error.data}"
    for sentence, name in _SENTENCES.items():
        if sentence in text.lower():
            return named(f"InvalidTransaction.{name}", error.data or error.message)
    if (name := _spelled(error.message)) in _INVALID and name != "Custom":
        return named(f"InvalidTransaction.{name}", "no block would include the call")
    digits = "".join(filter(str.isdigit, error.data or error.message))
    if "custom" in text.lower() and digits:
        return _custom(int(digits), spec_version, call)
    return named("InvalidTransaction", str(error))


def of_validity(answer: bytes, spec_version: int, call: Call) -> LedgerError:
    """The error of a transaction that is not valid, as a runtime encodes it."""
    kind, number = answer[0], answer[1]
    if kind != 0:
        return named("UnknownTransaction", f"the chain cannot tell whether the call is valid ({number})")
    name = _INVALID[number] if number < len(_INVALID) else str(number)
    if name == "Custom":
        return _custom(answer[2], spec_version, call)
    return named(f"InvalidTransaction.{name}", "no block would include the call")


def is_known(error: NodeError) -> bool:
    """Whether the node has this very extrinsic already."""
    return error.code == _KNOWN_ALREADY or "already imported" in f"{error.message} {error.data}".lower()


def is_outdated(error: NodeError) -> bool:
    """Whether the extrinsic's nonce was used, by it or by another."""
    return error.code == _PRIORITY_TOO_LOW or "outdated" in f"{error.message} {error.data}".lower()


def _spelled(message: str) -> str:
    """The name in `{"invalid":{"payment":null}}`, as some nodes answer."""
    words = "".join(character if character.isalpha() else " " for character in message).split()
    return words[1][:1].upper() + words[1][1:] if words[:1] == ["invalid"] and len(words) > 1 else ""


def _custom(number: int, spec_version: int, call: Call) -> LedgerError:
    if spec_version >= _NAMES_FROM:
        return named_custom(number, call)
    return named(f"InvalidTransaction.Custom{number}", "the chain refused to include the call, by this number")
