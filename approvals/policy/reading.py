"""Reading an organization's policy: strict, whole, and with the path of whatever is wrong.

A document that is half understood is a policy that nobody wrote, so an unknown word, a number that is not exact, or
an id that is there twice refuses the whole of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from approvals.policy.document import (
    MOST_ENTRIES,
    Compares,
    Condition,
    Counts,
    DialException,
    Limit,
    Per,
    Policy,
    Rule,
    Selector,
)
from approvals.policy.fields import Fields, Problems
from approvals.policy.ruling import Verdict
from tools.kinds import Category, Maturity, Tier

ANSWERS = (Verdict.REVIEW, Verdict.DENY)
"""What an entry may answer. Nothing in a policy says yes: that is the dial's, and entries only narrow it."""

NARROWER = (Maturity.IN_THE_LOOP, Maturity.ON_THE_LOOP)
"""What an exception may set: nothing is freer than audit only, so that would narrow nothing."""

LONGEST_VETO = 86_400
"""Seconds of a veto window."""

LONGEST_WINDOW = 31 * 86_400
SHORTEST_EXPIRY, LONGEST_EXPIRY = 10, 30 * 86_400
"""Seconds that a rule may give people to decide."""
MOST_STEPS = 5
"""Steps of one chain of escalation."""
MOST_PEOPLE = 20
MOST_CONDITIONS = 20
MOST_NAMES = 200

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_PATH = re.compile(r"[^.\s\[\]]{1,80}(?:\.[^.\s\[\]]{1,80}){0,9}\Z")
_ORDERS = frozenset({Compares.MORE, Compares.AT_LEAST, Compares.LESS, Compares.AT_MOST})
_BARE = frozenset({Compares.PRESENT, Compares.ABSENT})
_Entry = TypeVar("_Entry")
_Word = TypeVar("_Word", bound=StrEnum)


class PolicyRefused(ValueError):
    """This text is no policy. ``problems`` holds path and message of everything that is wrong with it."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" if path else message for path, message in problems))


def read_policy(settings: Mapping[str, Any]) -> Policy:
    """The policy that a version's settings hold; what is left out is as an organization begins with.

    Raises PolicyRefused with every problem and its path.
    """
    problems: Problems = []
    first = Policy()
    document = Fields(settings, "", problems)
    rules = _entries(document, "rules", _rule)
    limits = _entries(document, "limits", _limit)
    exceptions = _entries(document, "exceptions", _exception)
    _ids_once(problems, rules=rules, limits=limits, exceptions=exceptions)
    policy = Policy(
        rules=tuple(rules),
        limits=tuple(limits),
        exceptions=tuple(exceptions),
        exposure=_exposure(document),
        confidence=document.share("confidence", first.confidence),
        most_affected=document.whole("most_affected", first.most_affected, most=1_000_000_000),
        most_steps=document.whole("most_steps", first.most_steps, least=1, most=10_000),
        most_tokens=document.whole("most_tokens", first.most_tokens, least=1, most=10**12),
        most_cost=document.exact("most_cost", first.most_cost),
        most_repeats=document.whole("most_repeats", first.most_repeats, least=1, most=10_000),
        fresh_seconds=document.whole("fresh_seconds", first.fresh_seconds, least=1, most=86_400),
        high_risk_quorum=document.whole("high_risk_quorum", first.high_risk_quorum, least=1, most=MOST_PEOPLE),
    )
    document.no_others()
    if problems:
        raise PolicyRefused(tuple(problems))
    return policy


def _rule(entry: Fields) -> Rule:
    found = Rule(
        id=_id(entry),
        about=_selector(entry),
        when=tuple(_condition(inner) for inner in entry.objects("when", most=MOST_CONDITIONS)),
        answer=_answer(entry),
        quorum=entry.whole("quorum", 1, least=1, most=MOST_PEOPLE),
        teams=_teams(entry),
        expires_seconds=_expiry(entry),
        escalation=_escalation(entry),
        reason=entry.text("reason", longest=300),
    )
    if found.answer is Verdict.DENY and (found.quorum != 1 or found.teams):
        entry.wrong("answer", "a denial asks nobody, so it has neither quorum nor teams")
    elif found.answer is Verdict.DENY and (found.expires_seconds or found.escalation):
        entry.wrong("answer", "a denial waits for nobody, so no time runs out and nobody else is asked")
    last = found.escalation[-1][0] if found.escalation else 0
    if found.expires_seconds and last >= found.expires_seconds:
        entry.wrong("escalation", "the last step comes when the time to decide is over")
    return found


def _expiry(entry: Fields) -> int:
    """Seconds to decide; 0 where the rule does not say."""
    found = entry.whole("expires_seconds", 0, most=LONGEST_EXPIRY)
    if 0 < found < SHORTEST_EXPIRY:
        entry.wrong("expires_seconds", f"must be at least {SHORTEST_EXPIRY}: nobody reads faster")
    return found


def _escalation(entry: Fields) -> tuple[tuple[int, str], ...]:
    """The steps, each later than the one before and each with a team of its own."""
    steps: list[tuple[int, str]] = []
    for inner in entry.objects("escalation", most=MOST_STEPS):
        after = inner.whole("after", None, least=1, most=LONGEST_EXPIRY)
        team = inner.text("team", needed=True)
        if steps and after <= steps[-1][0]:
            inner.wrong("after", "must be later than the step before")
        if team in {one for _, one in steps}:
            inner.wrong("team", "is asked already")
        inner.no_others()
        steps.append((after, team))
    return tuple(steps)


def _limit(entry: Fields) -> Limit:
    counts = entry.word("counts", Counts) or Counts.CALLS
    found = Limit(
        id=_id(entry),
        about=_selector(entry),
        per=entry.word("per", Per) or Per.ORGANIZATION,
        counts=counts,
        most=entry.exact("most"),
        seconds=entry.whole("seconds", None, least=1, most=LONGEST_WINDOW),
        unit=entry.text("unit", longest=3),
        answer=_answer(entry),
        quorum=entry.whole("quorum", 1, least=1, most=MOST_PEOPLE),
        reason=entry.text("reason", longest=300),
    )
    if counts is Counts.AMOUNT and not _CURRENCY.match(found.unit):
        entry.wrong("unit", "must be the currency that is counted, three capital letters")
    if counts is Counts.CALLS and found.unit:
        entry.wrong("unit", "calls have no unit")
    if counts is Counts.CALLS and found.most != found.most.to_integral_value():
        entry.wrong("most", "must be a whole number of calls")
    if found.answer is Verdict.DENY and found.quorum != 1:
        entry.wrong("answer", "a denial asks nobody, so it has no quorum")
    return found


def _exception(entry: Fields) -> DialException:
    maturity = entry.word("maturity", Maturity, Maturity.IN_THE_LOOP)
    if maturity is not None and maturity not in NARROWER:
        entry.wrong("maturity", f"must be one of {', '.join(NARROWER)}: an exception only narrows")
    on_the_loop = maturity is Maturity.ON_THE_LOOP
    found = DialException(
        id=_id(entry),
        about=_selector(entry),
        when=tuple(_condition(inner) for inner in entry.objects("when", most=MOST_CONDITIONS)),
        maturity=maturity or Maturity.IN_THE_LOOP,
        veto_seconds=entry.whole("veto_seconds", None if on_the_loop else 0, most=LONGEST_VETO),
        reason=entry.text("reason", longest=300),
    )
    if found.veto_seconds and not on_the_loop:
        entry.wrong("veto_seconds", "only what is on the loop has a veto window")
    return found


def _selector(entry: Fields) -> Selector:
    about = entry.object("about")
    if about is None:
        return Selector()
    found = Selector(
        tools=frozenset(about.texts("tools", most=MOST_NAMES)),
        categories=_words(about, "categories", Category),
        tiers=_words(about, "tiers", Tier),
        agents=frozenset(about.texts("agents", most=MOST_NAMES)),
        initiators=frozenset(about.texts("initiators", most=MOST_NAMES)),
        teams=frozenset(about.texts("teams", most=MOST_NAMES)),
    )
    about.no_others()
    return found


def _words(about: Fields, name: str, kind: type[_Word]) -> frozenset[_Word]:
    return frozenset(
        word for index, text in enumerate(about.texts(name)) if (word := about.known(f"{name}[{index}]", text, kind))
    )


def _condition(entry: Fields) -> Condition:
    argument = entry.text("argument", needed=True, longest=400)
    if argument and not _PATH.match(argument):
        entry.wrong("argument", "must be the name of an argument, or names joined by dots")
    compares = entry.word("compares", Compares)
    value: str | tuple[str, ...] = ""
    if compares in {Compares.AMONG, Compares.NOT_AMONG}:
        value = tuple(entry.texts("value", needed=True, most=MOST_NAMES))
    elif compares in _ORDERS:
        value = f"{entry.exact('value', signed=True):f}"
    elif compares not in _BARE:
        value = entry.text_or_number("value")
    entry.no_others()
    return Condition(argument, compares or Compares.PRESENT, value)


def _teams(entry: Fields) -> tuple[tuple[str, int], ...]:
    """Teams by name, so that the order in which the document was stored does not matter."""
    teams = entry.object("teams")
    if teams is None:
        return ()
    return tuple((name, teams.whole(name, None, least=1, most=MOST_PEOPLE)) for name in sorted(teams.names()))


def _exposure(document: Fields) -> tuple[tuple[str, Decimal], ...]:
    """Currencies by name, for the same reason."""
    exposure = document.object("exposure")
    if exposure is None:
        return ()
    for name in exposure.names():
        if not _CURRENCY.match(name):
            exposure.wrong(name, "is not a currency, which is three capital letters")
    return tuple((name, exposure.exact(name)) for name in sorted(exposure.names()))


def _id(entry: Fields) -> str:
    found = entry.text("id", needed=True, longest=64)
    if found and not _SLUG.match(found):
        entry.wrong("id", "must be lower-case letters, digits and hyphens, beginning with a letter or digit")
    elif found.startswith("exposure-"):
        entry.wrong("id", "ids that begin with exposure- are those of the exposures")
    return found


def _answer(entry: Fields) -> Verdict:
    answer = entry.word("answer", Verdict, Verdict.REVIEW)
    if answer is not None and answer not in ANSWERS:
        entry.wrong("answer", f"must be one of {', '.join(ANSWERS)}")
    return answer or Verdict.DENY


def _entries(document: Fields, name: str, read: Callable[[Fields], _Entry]) -> list[_Entry]:
    found = []
    for entry in document.objects(name, most=MOST_ENTRIES):
        found.append(read(entry))
        entry.no_others()
    return found


def _ids_once(problems: Problems, **kinds: Sequence[Rule | Limit | DialException]) -> None:
    seen: set[str] = set()
    for path, entry in ((f"{kind}[{n}]", one) for kind, entries in kinds.items() for n, one in enumerate(entries)):
        if entry.id and entry.id in seen:
            problems.append((f"{path}.id", f"{entry.id} is there twice"))
        seen.add(entry.id)
