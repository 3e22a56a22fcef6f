"""A policy in words: each entry as a sentence, how often it was met, and what differs between two versions. Reads."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Sum

from approvals.models import Hits
from approvals.policy import Counts, DialException, Limit, Policy, Rule, Verdict
from approvals.policy.checks.limits import span
from approvals.policy.document import Compares, Condition, Per, Selector
from tools.kinds import Maturity
from tools.wording import REACH, TOUCHES, counted

Entry = Rule | Limit | DialException
DAYS: Final = 30
"""Over how many days hits are counted on pages."""
KINDS: Final = {"rules": "Rule", "limits": "Limit", "exceptions": "Exception"}
COMPARES: Final = {
    Compares.MORE: "is more than",
    Compares.AT_LEAST: "is at least",
    Compares.LESS: "is less than",
    Compares.AT_MOST: "is at most",
    Compares.EQUAL: "is",
    Compares.NOT_EQUAL: "is not",
    Compares.AMONG: "is one of",
    Compares.NOT_AMONG: "is none of",
    Compares.PRESENT: "is given",
    Compares.ABSENT: "is not given",
}
WHOSE: Final = {
    Per.TOOL: "by all calls of one tool",
    Per.AGENT: "by one agent",
    Per.INITIATOR: "for one person",
    Per.ORGANIZATION: "in the whole organization",
}
BOUNDS: Final = {
    "confidence": ("Confidence for what cannot be undone", "Below it, or where it is unknown, a person looks. 0 to 1."),
    "most_affected": ("Records one call may touch", "Beyond it a person looks."),
    "most_steps": ("Steps of one run", "Beyond it the run is stopped."),
    "most_tokens": ("Tokens of one run", "Beyond it the run is stopped."),
    "most_cost": ("Cost of one run", "What the model may cost, as a decimal number."),
    "most_repeats": ("The same call in one run", "How often it may succeed before a person looks."),
    "fresh_seconds": ("Seconds since signing in", "On high risk a reviewer signs in again after that."),
    "high_risk_quorum": ("People on high risk", "How many have to approve."),
}
"""Bound to its name and what it means."""


@dataclass(frozen=True)
class Line:
    """One entry as a page shows it."""

    kind: str
    id: str
    place: int
    about: str
    """Which calls, beginning with a capital letter."""
    asks: str
    """What it asks for them."""
    reason: str
    hits: int
    answer: str
    """review, deny, in_the_loop or on_the_loop."""


def hits(organization: uuid.UUID) -> dict[str, int]:
    """How often each entry was met within the last DAYS days, by its id. One query, over a row an entry and day."""
    first = datetime.now(UTC).date() - timedelta(days=DAYS - 1)
    rows = Hits.objects.filter(organization_id=organization, day__gte=first)
    return dict(rows.values_list("entry").annotate(met=Sum("number")))


def lines(policy: Policy, met: Mapping[str, int]) -> dict[str, list[Line]]:
    """Every rule, limit and exception in the order of the document."""
    return {
        kind: [
            Line(
                kind=kind,
                id=entry.id,
                place=place,
                about=about(entry),
                asks=asks(entry),
                reason=entry.reason,
                hits=met.get(entry.id, 0),
                answer=(entry.maturity if isinstance(entry, DialException) else entry.answer).value,
            )
            for place, entry in enumerate(entries, 1)
        ]
        for kind, entries in by_kind(policy).items()
    }


def by_kind(policy: Policy) -> dict[str, tuple[Entry, ...]]:
    """The entries of a policy, as the document names their lists."""
    return {"rules": policy.rules, "limits": policy.limits, "exceptions": policy.exceptions}


def about(entry: Entry) -> str:
    """Which calls an entry is about: `Calls of refund for operator, where amount is more than 200`."""
    said = _whom(entry.about)
    when = () if isinstance(entry, Limit) else entry.when
    return f"{said}, where {_and([_condition(one) for one in when])}" if when else said


def asks(entry: Entry) -> str:
    """What an entry asks for its calls."""
    if isinstance(entry, DialException):
        if entry.maturity is Maturity.IN_THE_LOOP:
            return "a person approves each one, however freely the tool acts"
        return f"run after {entry.veto_seconds} s at least, within which a person may object"
    answer = "are refused" if entry.answer is Verdict.DENY else f"need {_people(entry.quorum)}"
    if isinstance(entry, Rule):
        among = f", among them {_and([f'{n} of {team}' for team, n in entry.teams])}" if entry.teams else ""
        return answer + among + _in_time(entry)
    what = counted(entry.most) if entry.counts is Counts.CALLS else f"{entry.most:f} {entry.unit}"
    return f"beyond {what} in any {span(entry.seconds)} {WHOSE[entry.per]} {answer}"


def _in_time(rule: Rule) -> str:
    """How long people have, and who is asked too where nobody takes it."""
    within = f", within {_time(rule.expires_seconds)}" if rule.expires_seconds else ""
    steps = [f"{team} are asked too after {_time(after)}" for after, team in rule.escalation]
    return within + (f"; where nobody takes it, {_and(steps)}" if steps else "")


def _time(seconds: int) -> str:
    said = span(seconds)
    return said if said[0].isdigit() else f"1 {said}"


def _whom(selector: Selector) -> str:
    parts = ["Calls of " + _or(sorted(selector.tools)) if selector.tools else "All calls"]
    if selector.categories:
        parts.append("that touch " + _or([TOUCHES[one].lower() for one in sorted(selector.categories)]))
    if selector.tiers:
        parts.append("whose tool " + _or([REACH[one][0].lower() + REACH[one][1:] for one in sorted(selector.tiers)]))
    if selector.agents:
        parts.append("by " + _or(sorted(selector.agents)))
    if selector.initiators:
        parts.append("for " + _or(sorted(selector.initiators)))
    if selector.teams:
        parts.append("for people of " + _or(sorted(selector.teams)))
    return " ".join(parts)


def _condition(condition: Condition) -> str:
    said = f"{condition.argument} {COMPARES[condition.compares]}"
    if condition.compares in {Compares.PRESENT, Compares.ABSENT}:
        return said
    value = condition.value
    return f"{said} {value if isinstance(value, str) else ', '.join(value)}"


def _people(number: int) -> str:
    return "one person" if number == 1 else f"{number} people"


def _and(parts: list[str]) -> str:
    return " and ".join(parts)


def _or(parts: list[str]) -> str:
    return " or ".join(parts)


@dataclass(frozen=True)
class Difference:
    """One thing that differs between two versions, in words."""

    sign: str
    """added, removed, changed or moved."""
    name: str
    was: str = ""
    now: str = ""


def differences(before: Policy, after: Policy) -> list[Difference]:
    """Everything that differs between two policies: entries, their order, exposures, bounds."""
    found: list[Difference] = []
    now_by_kind = by_kind(after)
    for kind, entries in by_kind(before).items():
        found += _entries(KINDS[kind], entries, now_by_kind[kind])
    old, new = dict(before.exposure), dict(after.exposure)
    for currency in sorted(old.keys() | new.keys()):
        was, now = old.get(currency), new.get(currency)
        if was != now:
            sign = "added" if was is None else "removed" if now is None else "changed"
            found.append(
                Difference(
                    sign,
                    f"A day may move, in {currency}",
                    "" if was is None else f"{was:f}",
                    "" if now is None else f"{now:f}",
                )
            )
    for name, (label, _) in BOUNDS.items():
        was_bound, now_bound = getattr(before, name), getattr(after, name)
        if was_bound != now_bound:
            found.append(Difference("changed", label, plainly(was_bound), plainly(now_bound)))
    return found


def plainly(value: Any) -> str:
    """A bound as text, without an exponent."""
    return f"{value:f}" if hasattr(value, "as_tuple") else str(value)


def _entries(kind: str, before: Iterable[Entry], after: Iterable[Entry]) -> Iterable[Difference]:
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    for pk, entry in old.items():
        if pk not in new:
            yield Difference("removed", f"{kind} {pk}", was=whole(entry))
        elif new[pk] != entry:
            yield Difference("changed", f"{kind} {pk}", whole(entry), whole(new[pk]))
    for pk, entry in new.items():
        if pk not in old:
            yield Difference("added", f"{kind} {pk}", now=whole(entry))
    stayed = [pk for pk in old if pk in new]
    order = [pk for pk in new if pk in old]
    if stayed != order:
        yield Difference("moved", f"Order of the {kind.lower()}s", ", ".join(stayed), ", ".join(order))


def whole(entry: Entry) -> str:
    """An entry in one sentence."""
    reason = f" ({entry.reason})" if entry.reason else ""
    return f"{about(entry)}: {asks(entry)}{reason}"
