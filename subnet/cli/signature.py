# SPDX-License-Identifier: Apache-2.0
"""A command's function as its command line: positional-only parameters are its words, keyword-only ones its flags.

A parameter whose type is a section of the settings becomes one flag for each setting in it, and arrives resolved: from
the command line, else the environment, the files, the default. One of type `Settings` takes no flag and is all of them.
Cyclopts reads the words; what it refuses is said here in the words of the house.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Sequence
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, get_args, get_type_hints

from cyclopts import (
    App,
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    Parameter,
    RepeatArgumentError,
    Token,
    UnknownOptionError,
    UnusedCliTokensError,
    convert,
)
from cyclopts.argument import Argument, ArgumentCollection

from protocols.errors import UsageError

if TYPE_CHECKING:
    from subnet.cli.drive import Outcome
    from subnet.settings import Setting

__all__ = ["Form", "Signature", "form"]

GLOBAL: Final = ("--help", "--json")


class Form(NamedTuple):
    """What a value looks like: in a usage line, and in a sentence; a flag that takes no value has no symbol."""

    symbol: str
    words: str


FORMS: Final = {
    bool: Form("", "true or false"),
    int: Form("INT", "a whole number"),
    float: Form("NUMBER", "a number"),
    str: Form("TEXT", "text"),
    Path: Form("PATH", "a path"),
}


class Signature:
    """How one command is called."""

    def __init__(self, name: str, function: Callable[..., Outcome]) -> None:
        self.name = name
        self.function = function
        self.settings: dict[str, Setting] = {}
        self._sections: dict[str, str] = {}
        self._whole: list[str] = []
        self._app = App(
            name=name,
            help_flags=(),
            version_flags=(),
            default_parameter=Parameter(negative=()),
            default_command=self._stub(),
        )

    @property
    def about(self) -> str:
        """What the command does, as its function says."""
        return inspect.getdoc(self.function) or ""

    def arguments(self) -> ArgumentCollection:
        """Its words and flags; a group of flags is not one itself."""
        return self._app.assemble_argument_collection().filter_by(show=True)

    def call(self, words: list[str]) -> Outcome:
        """Call the function with what the words say; raises `UsageError` where they say nothing."""
        try:
            _, bound, _ = self._app.parse_args(words, print_error=False, exit_on_error=False, help_on_error=False)
        except CycloptsError as error:
            raise self._mistake(error) from None
        given = {name: value for name, value in bound.arguments.items() if name not in self.settings}
        flags: dict[str, dict[str, Any]] = {section: {} for section in self._sections.values()}
        for name, setting in self.settings.items():
            if name in bound.arguments:
                flags[setting.section][name] = bound.arguments[name]
        if self._sections or self._whole:
            from subnet.settings import load

            settings = load(flags).settings
            given |= {parameter: getattr(settings, section) for parameter, section in self._sections.items()}
            given |= dict.fromkeys(self._whole, settings)
        mine = inspect.BoundArguments(inspect.signature(self.function), given)
        return self.function(*mine.args, **mine.kwargs)

    def _stub(self) -> Callable[..., None]:
        """A function with the command's parameters, sections spread into their settings."""
        hints = get_type_hints(self.function, include_extras=True)
        spread: list[inspect.Parameter] = []
        for parameter in inspect.signature(self.function).parameters.values():
            spread += self._spread(parameter.replace(annotation=hints[parameter.name]))
        spread = [parameter.replace(annotation=_exact(parameter.annotation)) for parameter in spread]

        def stub() -> None: ...

        stub.__dict__["__signature__"] = inspect.Signature(spread)
        stub.__annotations__ = {parameter.name: parameter.annotation for parameter in spread}
        return stub

    def _spread(self, parameter: inspect.Parameter) -> list[inspect.Parameter]:
        # A command that takes settings has imported them; the others are spared the cost.
        if "subnet.settings" not in sys.modules:
            return [parameter]
        from subnet.settings import Settings, sections, within

        if parameter.annotation is Settings:
            self._whole.append(parameter.name)
            return []
        for section, kind in sections().items():
            if parameter.annotation is kind:
                self._sections[parameter.name] = section
                # A secret on a command line would be seen by everybody who lists processes.
                listed = [setting for setting in within(section) if not setting.is_secret]
                self.settings |= {setting.name: setting for setting in listed}
                return [_flag(setting) for setting in listed]
        return [parameter]

    def _mistake(self, error: CycloptsError) -> UsageError:
        advice = f"subnet {self.name} --help"
        called = error.argument.name if error.argument else ""
        match error:
            case UnknownOptionError(token=token):
                word = (token.keyword or token.value).split("=")[0]
                flags = [name for argument in self.arguments() for name in argument.names if name.startswith("-")]
                near = difflib.get_close_matches(word, [*flags, *GLOBAL], n=1)
                advice = f"did you mean: subnet {self.name} {near[0]}" if near else advice
                message = f"subnet {self.name} has no option {word!r}"
            case UnusedCliTokensError(unused_tokens=tokens):
                message = f"subnet {self.name} has no use for {' '.join(tokens or [])!r}"
            case MissingArgumentError():
                message = f"subnet {self.name} needs a value for {called}"
            case RepeatArgumentError(token=token):
                message = f"{token.keyword} is given more than once, expected once"
            case CoercionError(argument=argument) if argument:
                got = " ".join(token.value for token in argument.tokens)
                message = f"{called} must be {form(argument).words}, got {got!r}"
            case _:
                message = str(error).rstrip(".")
        return UsageError(message, help=advice)


def form(argument: Argument) -> Form:
    """What an argument takes; a list takes it several times."""
    if choices := argument.get_choices():
        return Form("|".join(choices), "one of " + ", ".join(choices))
    types = [one for one in _alternatives(argument.hint) if one in FORMS]
    return FORMS[types[0]] if types else Form("VALUE", "a value")


def _alternatives(hint: Any) -> list[Any]:
    inner = [kind for part in get_args(hint) for kind in _alternatives(part)]
    return inner or [hint]


def _exact(hint: Any) -> Any:
    types = _alternatives(hint)
    # Left to itself cyclopts rounds 2.5 to 2.
    return getitem(Annotated, (hint, Parameter(converter=_whole))) if int in types and str not in types else hint


def _whole(kind: Any, tokens: Sequence[Token]) -> Any:
    for token in tokens:
        int(token.value)
    return convert(kind, tokens)


def _flag(setting: Setting) -> inspect.Parameter:
    annotation = getitem(Annotated, (setting.kind, Parameter(help=setting.about)))
    return inspect.Parameter(
        setting.name, inspect.Parameter.KEYWORD_ONLY, default=setting.default, annotation=annotation
    )
