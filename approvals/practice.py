"""The practice queue: lessons as the card shows requests, made from rows that are never saved. Reads nothing.

What is shown goes through the same functions and templates as a real request, so what is learned here is true there.
Nothing of it can run: there is no action, no revision and no tool, and no verb is called.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import Agent, User
from approvals.lessons import LESSONS, Lesson
from approvals.models import Action, Revision
from approvals.reading.around import Line
from approvals.reading.effect import Changing, Figure, changing, figures
from approvals.reading.foreseen import Foreseen
from approvals.reading.origins import sourced
from approvals.reading.past import Usual
from approvals.reading.plainly import pretty
from approvals.reading.shown import Argument, arguments
from tools.contract import Contract
from traces.canonical import canonical, digest

NOBODY: Final = uuid.UUID(int=0)


@dataclass(frozen=True)
class PracticeCard:
    """What the card's templates ask of a request, for one that there is not."""

    lesson: Lesson
    number: int
    action: Action
    contract: Contract
    request: str
    lines: list[Line]
    figures: list[Figure]
    changes: list[Changing]
    told: Foreseen | None
    findings: list[dict[str, Any]]
    must_expand: bool = False
    """Folded values open in place: no server is asked for what was made up here."""

    @property
    def consent(self) -> str:
        """The words on the approve button: they name the effect."""
        return self.contract.consent_for(self.lesson.arguments)


def practice(number: int) -> PracticeCard:
    """The lesson of this number, from 1, as a card. Raises IndexError where there is none."""
    if not 1 <= number <= len(LESSONS):
        raise IndexError(number)
    lesson = LESSONS[number - 1]
    values = dict(lesson.arguments)
    shown = arguments(values, lesson.contract)
    told = _told(lesson)
    return PracticeCard(
        lesson=lesson,
        number=number,
        action=_action(lesson, number),
        contract=lesson.contract,
        request=pretty(canonical({"tool": lesson.contract.name, "arguments": values}).decode()),
        lines=[_line(lesson, one) for one in shown],
        figures=_figures(lesson, shown, told),
        changes=changing(told.changes if told else ()),
        told=told,
        findings=[
            {"name": check.capitalize(), "text": text, "warning": warning} for check, text, warning in lesson.found
        ],
    )


def _action(lesson: Lesson, number: int) -> Action:
    """An action that is in no table and never will be: only its words are read."""
    return Action(
        id=uuid.UUID(int=number),
        organization_id=NOBODY,
        run=NOBODY,
        step=1,
        status="in_review",
        summary=lesson.contract.summary_of(lesson.arguments),
        tool_name=lesson.contract.name,
        reasoning=lesson.claim,
        risk=lesson.risk,
        maturity="in_the_loop",
        digest=digest("practice", [number, lesson.contract.summary_of(lesson.arguments)]),
        initiator=User(id=NOBODY, username="a colleague"),
        agent=Agent(id=NOBODY, name="practice agent"),
    )


def _line(lesson: Lesson, argument: Argument) -> Line:
    source = lesson.sources.get(argument.path, "goal")
    return Line(argument, sourced(argument.path, [{"path": argument.path, "source": source}]), "", Usual())


def _told(lesson: Lesson) -> Foreseen | None:
    if not lesson.changes:
        return None
    rows: list[Mapping[str, Any]] = [
        {"label": label, "before": before, "after": after} for label, before, after in lesson.changes
    ]
    return Foreseen("done", "", None, False, rows, 0, [], [])


def _figures(lesson: Lesson, shown: list[Argument], told: Foreseen | None) -> list[Figure]:
    amount = {key: lesson.arguments[key] for key in ("amount", "currency") if key in lesson.arguments}
    return figures(Revision(facts=json.dumps({"tool": amount})), lesson.contract, shown, told, None)
