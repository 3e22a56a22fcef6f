r"""Which regular expressions a schema may hold: only those that fail as fast as they match. Pure.

Python's matcher backtracks, so `((a+)+)+$` on 28 letters takes minutes. The number of ways in which a pattern can cut
one text bounds that time; `complaint` estimates it and refuses what could take a noticeable part of a second. It errs
towards refusing.
"""

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

LONGEST_PATTERN = 200
MOST_STEPS = 20_000_000
LONGEST_TEXT = 10_000
"""Characters that a pattern is tried on where the schema gives no `maxLength`."""

Node: TypeAlias = Any
"""A part of a parsed pattern; the parser does not type them."""

_ALPHABET = frozenset(chr(c) for c in (*range(0x180), 0x3B1, 0x430, 0x4E00, 0x1F600))
_REPEATED = re.compile(r"[*+?{]")
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_SINGLES = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


def complaint(pattern: str, max_length: int | None = None) -> str | None:
    """Why this pattern is not allowed on texts of up to `max_length` characters, or None when it is."""
    if len(pattern) > LONGEST_PATTERN:
        return f"a pattern of {len(pattern)} characters; the limit is {LONGEST_PATTERN}"
    try:
        parsed = list(_parser.parse(pattern))
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a regular expression: {error}"
    length = min(max_length or LONGEST_TEXT, LONGEST_TEXT)
    try:
        ways = _ways(parsed, [], length)
    except _Refused as refused:
        return str(refused)
    anchored = parsed and parsed[0][0] is sre.AT and parsed[0][1] in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
    starts = 1 if anchored or not _REPEATED.search(pattern) else length
    if ways * starts * length > MOST_STEPS:
        return f"may take {ways * starts * length} steps on {length} characters: anchor it, or give a smaller maxLength"
    return None


class _Refused(Exception):
    """This construct is not allowed in a pattern."""


def _ways(items: list[Node], after: list[Node], length: int) -> int:
    """In how many ways this sequence, with `after` behind it, can cut a text of `length` characters: an upper bound."""
    ways = 1
    for place, (kind, value) in enumerate(items):
        behind = items[place + 1 :] + after
        if kind in _SINGLES or kind is sre.AT:
            continue
        if kind is sre.SUBPATTERN:
            ways *= _ways(list(value[-1]), behind, length)
        elif kind is sre.BRANCH:
            ways *= sum(_ways(list(branch), behind, length) for branch in value[1])
        elif kind in _REPEATS:
            ways *= _repeat_ways(value, behind, length)
        else:
            raise _Refused(f"{str(kind).lower()} is not allowed in a pattern")
    return ways


def _repeat_ways(value: Node, behind: list[Node], length: int) -> int:
    low, high, body = int(value[0]), min(int(value[1]), length), _flat(list(value[2]))
    if high <= 1:
        return (high - low) + _ways(body, behind, length)
    follower = _first(behind) if behind else frozenset()
    if len(body) == 1 and body[0][0] in _SINGLES:
        return 1 if low == high or (follower is not None and not _matches(body[0]) & follower) else high - low + 1
    if _ways(body, [], length) > 1:
        raise _Refused("alternatives inside a repetition are not allowed in a pattern")
    if _fixed(body):
        return high - low + 1
    if _separated(body):
        return 1 if follower == frozenset() else length
    raise _Refused("a repetition inside a repetition, where no character parts the rounds, is not allowed in a pattern")


def _flat(items: list[Node]) -> list[Node]:
    """A sequence without the groups around it."""
    found: list[Node] = []
    for kind, value in items:
        found.extend(_flat(list(value[-1])) if kind is sre.SUBPATTERN else [(kind, value)])
    return found


def _fixed(body: list[Node]) -> bool:
    """Whether the body always takes the same number of characters, in one way."""
    return all(kind in _SINGLES or (kind in _REPEATS and value[0] == value[1]) for kind, value in body)


def _separated(body: list[Node]) -> bool:
    """Whether each round begins or ends with a character that the rest of the round cannot match."""
    for edge, rest in ((body[0], body[1:]), (body[-1], body[:-1])):
        if edge[0] is sre.LITERAL and all(not (_matches(edge) & _reach(item)) for item in rest):
            return all(kind in _SINGLES or _flat(list(value[2]))[0][0] in _SINGLES for kind, value in rest)
    return False


def _reach(item: Node) -> frozenset[str]:
    """Every character that an item may take, everything for what is not understood."""
    kind, value = item
    if kind in _SINGLES:
        return _matches(item)
    if kind in _REPEATS:
        body = _flat(list(value[2]))
        return _matches(body[0]) if len(body) == 1 and body[0][0] in _SINGLES else _ALPHABET
    return _ALPHABET


def _first(items: list[Node]) -> frozenset[str] | None:
    """The characters with which what follows must begin; empty for the end of the text; None when unclear."""
    for kind, value in _flat(items):
        if kind is sre.AT:
            return frozenset() if value in (sre.AT_END, sre.AT_END_STRING) else None
        if kind in _SINGLES:
            return _matches((kind, value))
        if kind in _REPEATS and value[0] >= 1:
            return _first(list(value[2]))
        return None
    return None


def _matches(item: Node) -> frozenset[str]:
    """Which characters of a sample of Unicode a one-character item takes."""
    kind, value = item
    if kind is sre.ANY:
        return _ALPHABET
    if kind is sre.LITERAL:
        return frozenset({chr(value)})
    if kind is sre.NOT_LITERAL:
        return _ALPHABET - {chr(value)}
    found: set[str] = set()
    negate = False
    for kind, inner in value:
        if kind is sre.NEGATE:
            negate = True
        elif kind is sre.LITERAL:
            found.add(chr(inner))
        elif kind is sre.RANGE:
            found.update(c for c in _ALPHABET if inner[0] <= ord(c) <= inner[1])
        else:
            test = _CATEGORIES.get(inner)
            found.update(c for c in _ALPHABET if test is None or test.match(c))
    return _ALPHABET - found if negate else frozenset(found)


_CATEGORIES = {
    getattr(sre, f"CATEGORY_{name}"): re.compile(text)
    for name, text in {
        "DIGIT": r"\d",
        "NOT_DIGIT": r"\D",
        "SPACE": r"\s",
        "NOT_SPACE": r"\S",
        "WORD": r"\w",
        "NOT_WORD": r"\W",
    }.items()
}
