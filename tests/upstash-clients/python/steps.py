"""What a family of commands is made of: calls of the client's methods, each with what it has to give."""

import re
from dataclasses import dataclass
from typing import Any, Dict, Tuple


@dataclass(frozen=True)
class Step:
    """A call. `expected` is a value, a function that says whether a value is right, or one of the classes below."""

    method: str
    arguments: Tuple[Any, ...]
    options: Dict[str, Any]
    expected: Any


@dataclass(frozen=True)
class Fails:
    """The call is answered with an error that has this text."""

    pattern: str


@dataclass(frozen=True)
class Newer:
    """Only newer servers have this command; the error of an older one has to come through."""

    command: str
    expected: Any


class Calls:
    """`call.set("k", "v") == True` is a step: a table of them reads like the calls that it makes."""

    def __getattr__(self, method):
        return lambda *arguments, **options: _Unexpected(method, arguments, options)


@dataclass(frozen=True, eq=False)
class _Unexpected:
    method: str
    arguments: Tuple[Any, ...]
    options: Dict[str, Any]

    def __eq__(self, expected):
        return Step(self.method, self.arguments, self.options, expected)


def matches(pattern):
    return lambda value: re.fullmatch(pattern, value) is not None


def unordered(*members):
    return lambda value: sorted(value) == sorted(members)


def lives_for(time):
    """That a time to live was set to this a moment ago, however busy the machine is."""
    return lambda left: time / 2 < left <= time
