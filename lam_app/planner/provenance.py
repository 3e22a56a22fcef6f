"""Where each argument of a call comes from, found in what the agent was told and never taken from its word. Pure.

A value is looked up in every text that the agent has seen: the goal, the initiator's later words, what tools answered.
Found in one, it is that one's. Found in several, it is the least trusted one's, with one exception: what the initiator
wrote in so many words, and what is not said by chance (an address, a number of three figures, two words together),
stays the initiator's although a tool repeats it. Found nowhere, it was made up, and the gate asks a person.

An answer that only repeats what it was asked vouches for nothing, or a made-up value could be laundered through a
trusted tool. Yes and no, null and emptiness carry no words from anywhere, and a default is the catalogue's: of these
nothing is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from approvals.policy.evidence import Origin, Source
from lam_app.planner.strict import NotStrict, Resolver
from lam_app.planner.wording import Wording, echoless, plain_words, said_by_chance
from traces.canonical import JSON, at_key

MOST_VALUES: Final = 100
"""Values of one call that are looked up; beyond them the whole call counts as made up."""
TRUST: Final = (Source.GOAL, Source.PERSON, Source.MEMORY, Source.RECORD, Source.UNKNOWN, Source.OUTSIDE)
"""From the most trusted source to the least."""
MADE_UP: Final = "the agent’s own words"


@dataclass(frozen=True)
class Told:
    """Something that the agent was told: whose word it is, how a reviewer would find it, and what it says."""

    source: Source
    told: str
    says: Wording


def said(source: Source, told: str, text: str, today: date) -> Told:
    """What a person said; ``today`` is the day from which relative dates count."""
    return Told(source, told, Wording(text, today))


def answered(source: Source, told: str, result: JSON, asked: Mapping[str, JSON], today: date) -> Told:
    """What a tool answered to these arguments, without what it merely repeats of them."""
    return Told(source, told, Wording(echoless(result, asked, everywhere=source is not Source.OUTSIDE), today))


def origins(arguments: Mapping[str, JSON], told: Sequence[Told], schema: Mapping[str, Any]) -> tuple[Origin, ...]:
    """Where every value of a call comes from; ``schema`` is the tool's own, which names members and defaults."""
    found: list[Origin] = []
    for path, values in _values(arguments, schema):
        if len(found) == MOST_VALUES:
            found.append(Origin("", Source.UNKNOWN, f"more than {MOST_VALUES} values"))
            break
        whose = max((_whose(value, told) for value in values), key=lambda one: TRUST.index(one[0]))
        found.append(Origin(path, *whose))
    return tuple(found)


def _whose(value: JSON, told: Sequence[Told]) -> tuple[Source, str]:
    """Whose word one value is, and what shows it."""
    holders = [one for one in told if one.says.holds(value)]
    if not holders:
        return _pieced_together(value, told)
    worst = max(holders, key=lambda one: TRUST.index(one.source))
    best = min(holders, key=lambda one: TRUST.index(one.source))
    if best.source is Source.GOAL and not said_by_chance(value):
        return Source.GOAL, best.told if worst is best else f"{best.told}; repeated by {worst.told}"
    return worst.source, worst.told if worst.source is best.source else f"{worst.told}; also in {best.told}"


def _pieced_together(value: JSON, told: Sequence[Told]) -> tuple[Source, str]:
    """A text of the agent's own making: as trusted as the least trusted text that it needs its words from.

    Word for word out of an outside text, or with words of which one is nowhere else, it is the outside's; with words
    that are nowhere at all it was made up.
    """
    words = plain_words(value)
    if not words:
        return Source.UNKNOWN, MADE_UP
    for one in told:
        if one.source is Source.OUTSIDE and one.says.quoted_in(value):
            return Source.OUTSIDE, f"parts of it stand in {one.told}"
    by_trust = sorted(told, key=lambda one: TRUST.index(one.source))
    needed, nowhere = [], False
    for word in words:
        holder = next((one for one in by_trust if one.says.has_word(word)), None)
        nowhere |= holder is None
        needed += [holder] if holder is not None else []
    worst = max(needed, key=lambda one: TRUST.index(one.source), default=None)
    if worst is None or (nowhere and worst.source is not Source.OUTSIDE):
        return Source.UNKNOWN, MADE_UP
    return worst.source, f"in other words: {worst.told}"


def _values(arguments: Mapping[str, JSON], schema: Mapping[str, Any]) -> Iterator[tuple[str, tuple[JSON, ...]]]:
    """Each path with what has to be looked up there: the value, and the member's name where nobody declared it."""
    yield from _inside(arguments, schema, Resolver(schema), "", ())


def _inside(
    value: JSON, schema: JSON, resolver: Resolver, at: str, names: tuple[JSON, ...]
) -> Iterator[tuple[str, tuple[JSON, ...]]]:
    if isinstance(value, bool) or value is None or value == "":
        if names:
            yield at, names
        return
    branches = _branches(resolver, schema)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            declared = [branch["properties"][key] for branch in branches if key in branch.get("properties", {})]
            if any(isinstance(one, Mapping) and "default" in one and one["default"] == inner for one in declared):
                continue
            known = {"anyOf": declared} if len(declared) > 1 else declared[0] if declared else {}
            yield from _inside(inner, known, resolver, at_key(at, key), names if declared else (*names, key))
    elif isinstance(value, list | tuple):
        items = [branch["items"] for branch in branches if isinstance(branch.get("items"), Mapping)]
        for index, inner in enumerate(value):
            yield from _inside(inner, items[0] if items else {}, resolver, f"{at}[{index}]", names)
    else:
        yield at, (value, *names)


def _branches(resolver: Resolver, schema: JSON) -> list[dict[str, Any]]:
    """The schema with its references folded in, and each alternative of it."""
    resolver.visited = 0  # the value bounds this walk, not the schema
    try:
        found, _ = resolver.plain(schema)
        inner = [resolver.plain(one)[0] for word in ("anyOf", "oneOf") for one in found.get(word) or ()]
    except NotStrict:
        return []
    return [found, *inner]
