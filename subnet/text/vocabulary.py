# SPDX-License-Identifier: Apache-2.0
"""The words that invented places and answers about them are made of, and the twelve things one may know of a place.

No fact here can be looked up or remembered from anywhere: names are put together from syllables, so that an answer can
only come from the document. All values are about equally long, since a measure that counts letters weighs a fact by
its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["ATTRIBUTES", "Attribute", "KINDS", "NAME", "Parts", "REMARKS"]

Parts: TypeAlias = tuple[tuple[str, ...], ...]
"""What a value is put together from: one of each."""

_HEADS: Final = (
    *("Al", "Bre", "Cor", "Dun", "El", "Fen", "Gar", "Hol", "Is", "Jor", "Kel", "Lun"),
    *("Mar", "Nor", "Os", "Pel", "Quin", "Ros", "Sel", "Tor", "Ul", "Vel", "Wes", "Yar"),
)
_MIDDLES: Final = ("a", "ba", "de", "e", "en", "i", "il", "mo", "o", "on", "ri", "u")
_TAILS: Final = (
    *("bek", "dale", "dor", "field", "gate", "holm", "land", "mere", "mond", "nis"),
    *("ra", "rick", "shaw", "stead", "thorpe", "vale", "ver", "wick", "wold", "zan"),
)

NAME: Final = (_HEADS, _MIDDLES, _TAILS)
"""The syllables of an invented name."""

_FIRST: Final = (
    *("Ada ", "Boris ", "Clara ", "David ", "Edith ", "Felix ", "Greta ", "Hugo ", "Irene ", "Jonas ", "Klara "),
    *("Lukas ", "Maude ", "Nils ", "Olga ", "Pavel ", "Rosa ", "Simon ", "Thea ", "Ulrich ", "Vera ", "Wanda "),
)
_DAYS: Final = (
    "1 ",
    "3 ",
    "4 ",
    "6 ",
    "7 ",
    "9 ",
    "11 ",
    "12 ",
    "14 ",
    "17 ",
    "18 ",
    "20 ",
    "22 ",
    "23 ",
    "25 ",
    "28 ",
)
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CENTURIES: Final = (" 13", " 14", " 15", " 16", " 17", " 18")
_LEADING: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9")
_DIGITS: Final = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
_SHADES: Final = ("ashen ", "blue ", "dark ", "green ", "grey ", "pale ", "red ", "rusty ", "white ", "yellow ")
_STONES: Final = (
    "basalt",
    "brick",
    "dolomite",
    "flint",
    "granite",
    "limestone",
    "marble",
    "sandstone",
    "slate",
    "tuff",
)
_MOODS: Final = (
    "a crowned ",
    "a dancing ",
    "a hungry ",
    "a leaping ",
    "a resting ",
    "a singing ",
    "a winged ",
    "a young ",
)
_ANIMALS: Final = ("badger", "falcon", "heron", "lizard", "marten", "otter", "raven", "salmon", "stag", "toad", "wolf")
_METALS: Final = ("a brass ", "a copper ", "a golden ", "a jade ", "a pewter ", "a silver ", "a walnut ", "a wooden ")
_OBJECTS: Final = (
    "anchor",
    "astrolabe",
    "bell",
    "casket",
    "chalice",
    "compass",
    "flute",
    "globe",
    "lantern",
    "sundial",
)
_ORDINALS: Final = ("the first ", "the second ", "the third ", "the fourth ", "the last ")
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_IN: Final = tuple(f" in {month}" for month in _MONTHS)
_PERSON: Final = (_FIRST, *NAME)

KINDS: Final = (
    *("abbey", "archive", "bridge", "chapel", "ferry house", "fortress", "garden", "granary", "harbour", "hospital"),
    *("library", "lighthouse", "market hall", "mill", "museum", "observatory", "palace", "school", "theatre", "tower"),
)
"""What the places are."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing to know of a place: what it is called, how documents tell it, and what its values are made of."""

    name: str
    synonyms: tuple[str, ...]
    told: tuple[str, ...]
    parts: Parts


ATTRIBUTES: Final = (
    Attribute(
        "architect",
        ("designer", "master builder", "planner"),
        ("{value} drew the plans", "The plans are by {value}"),
        _PERSON,
    ),
    Attribute(
        "patron",
        ("benefactor", "founder", "sponsor"),
        ("{value} gave the money", "It was a gift of {value}"),
        _PERSON,
    ),
    Attribute(
        "keeper",
        ("caretaker", "custodian", "warden"),
        ("{value} holds the keys today", "Today it is looked after by {value}"),
        _PERSON,
    ),
    Attribute(
        "opening day",
        ("day of opening", "first day", "inauguration"),
        ("The doors opened on {value}", "It received its first guests on {value}"),
        (_DAYS, _MONTHS, _CENTURIES, _DIGITS, _DIGITS),
    ),
    Attribute(
        "height",
        ("elevation", "full height", "total height"),
        ("It rises to {value}", "From foot to roof it measures {value}"),
        (_LEADING, _DIGITS, _DIGITS, (" metres",)),
    ),
    Attribute(
        "stone",
        ("building stone", "masonry", "material"),
        ("The walls are of {value}", "It is built of {value}"),
        (_SHADES, _STONES),
    ),
    Attribute(
        "river",
        ("stream", "watercourse", "waterway"),
        ("It overlooks the river {value}", "The river {value} flows past it"),
        NAME,
    ),
    Attribute(
        "emblem",
        ("badge", "crest", "heraldic sign"),
        ("Over the gate one sees {value}", "Its banner shows {value}"),
        (_MOODS, _ANIMALS),
    ),
    Attribute(
        "price",
        ("cost", "expense", "sum paid"),
        ("The work cost {value}", "All in all {value} were spent on it"),
        (_LEADING, _DIGITS, _DIGITS, (" silver crowns", " gold ducats", " copper marks")),
    ),
    Attribute(
        "nearest town",
        ("closest town", "neighbouring town", "town next to it"),
        ("The road from {value} leads there", "Most visitors come from the town of {value}"),
        NAME,
    ),
    Attribute(
        "treasure",
        ("heirloom", "prize possession", "relic"),
        ("Inside lies {value}", "Its cellar hides {value}"),
        (_METALS, _OBJECTS),
    ),
    Attribute(
        "feast day",
        ("celebration", "festival", "holiday"),
        ("People dance there on {value}", "A fair is held on {value}"),
        (_ORDINALS, _WEEKDAYS, _IN),
    ),
)
"""All that can be known of a place, in the order in which references tell it."""

REMARKS: Final = (
    "that is what the text says about it",
    "so much can be read in the text above",
    "nothing else in the document speaks against it",
    "this much the document says in plain words",
    "all of it can be found in the text itself",
    "the rest of the page is about other things",
    "as far as I can see this is all that was asked",
    "I have found no word in the page against it",
    "other things in the text were not asked for",
    "so far as the page goes this is the whole of it",
    "that was all I could find about it in the page",
    "what else the document says was not asked for",
)
"""Sentences that say nothing, for answers to be padded with."""
