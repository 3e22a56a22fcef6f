r"""A pattern in words, for people who are told that a value does not fit it. Pure.

`^[0-9]{1,9}(\.[0-9]{2})?$` is *1 to 9 digits, then perhaps “.” and 2 digits*.

Only what has plain words is put into words; a pattern with anything else in it is shown as it is.
"""

from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final, TypeAlias

Node: TypeAlias = Any
"""A part of a parsed pattern; the parser does not type them."""

MOST_PARTS: Final = 8
"""Parts of a sentence that a person still follows."""
_CLASSES: Final = {("0", "9"): "digit", ("A", "Z"): "capital letter", ("a", "z"): "small letter"}
_REPEATS: Final = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_EDGES: Final = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING), (sre.AT_END, sre.AT_END_STRING)


class _NoWords(Exception):
    """This construct has no plain words."""


@lru_cache(maxsize=512)
def in_words(pattern: str) -> str:
    """What a text has to be to match: `must be 1 to 9 digits`; with the pattern itself where words would not do."""
    try:
        parts = list(_parser.parse(pattern))
        begins = bool(parts) and parts[0][0] is sre.AT and parts[0][1] in _EDGES[0]
        ends = bool(parts) and parts[-1][0] is sre.AT and parts[-1][1] in _EDGES[1]
        said = _sequence(parts[begins : len(parts) - ends])
    except (_NoWords, _parser.error, RecursionError, OverflowError):
        return f"must match {pattern}"
    verb = {(True, True): "be", (True, False): "begin with", (False, True): "end with"}.get((begins, ends), "contain")
    return f"must {verb} {said}"


def _sequence(parts: list[Node], joint: str = ", then ") -> str:
    """Each part after the other; letters that stand in a row are one word."""
    said: list[str] = []
    literal = ""
    for kind, value in parts:
        if kind is sre.LITERAL:
            literal += chr(value)
            continue
        if literal:
            said.append(f"“{literal}”")
            literal = ""
        said.append(_part(kind, value))
    if literal:
        said.append(f"“{literal}”")
    if not 1 <= len(said) <= MOST_PARTS:
        raise _NoWords
    return joint.join(said)


def _part(kind: Node, value: Node) -> str:
    if kind in _REPEATS:
        return _repeated(int(value[0]), value[1], list(value[2]))
    if kind is sre.SUBPATTERN:
        if value[1] or value[2]:  # flags inside a group
            raise _NoWords
        return _sequence(list(value[-1]))
    if kind is sre.BRANCH:
        return " or ".join(_sequence(list(branch)) for branch in value[1])
    return f"one {_class(kind, value)}"


def _repeated(low: int, high: Node, body: list[Node]) -> str:
    most = None if high is sre.MAXREPEAT else int(high)
    inner = list(body[0][1][-1]) if len(body) == 1 and body[0][0] is sre.SUBPATTERN else body
    if (low, most) == (0, 1):
        return f"perhaps {_sequence(inner, ' and ')}"
    if len(inner) != 1:
        raise _NoWords
    kind, value = inner[0]
    name = f"“{chr(value)}”" if kind is sre.LITERAL else _class(kind, value)
    several = name if kind is sre.LITERAL else _many(name)
    if most is None:
        return {0: f"any number of {several}", 1: f"one or more {several}"}.get(low, f"at least {low} {several}")
    if low == most:
        return f"{low} {name if low == 1 else several}"
    return f"up to {most} {several}" if low == 0 else f"{low} to {most} {several}"


def _class(kind: Node, value: Node) -> str:
    """One character: `digit`, `letter or “-”`."""
    if kind is sre.ANY:
        return "character"
    if kind is not sre.IN or value[0][0] is sre.NEGATE:
        raise _NoWords
    names: list[str] = []
    for one, what in value:
        if one is sre.RANGE:
            name = _CLASSES.get((chr(what[0]), chr(what[1])))
        elif one is sre.CATEGORY:
            name = {sre.CATEGORY_DIGIT: "digit", sre.CATEGORY_SPACE: "space"}.get(what)
        else:
            name = f"“{chr(what)}”" if one is sre.LITERAL else None
        if name is None:
            raise _NoWords
        names.append(name)
    if {"capital letter", "small letter"} <= set(names):
        names = ["letter", *(name for name in names if name not in {"capital letter", "small letter"})]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _many(name: str) -> str:
    """`digits`, `letters, digits or “-”`."""
    words = name
    for one in ("digit", "capital letter", "small letter", "letter", "space", "character"):
        words = words.replace(f"{one},", f"{one}s,").replace(f"{one} or", f"{one}s or")
        if words.endswith(one):
            words += "s"
    return words
