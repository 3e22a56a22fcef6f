"""The whole road of a run, step by step: what the model said, what the gate ruled, who decided, what the hands did.

Put together from the rows of every room, never from the model's account of them. Reads only; what the model was sent
and said is read for those alone who may read it.
"""

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from approvals.models import Action, Decision, Permit, Revision
from approvals.reading.answered import Answered
from approvals.reading.card import findings
from approvals.reading.shown import Argument, arguments
from lam_app.models import Run
from lam_app.reporting import Given, given
from lam_app.story import Shown, Story, story
from tools.models import Execution
from traces.heard import Heard
from traces.models import Event, Trace

VERDICTS: Final = {
    "allow": "Allowed",
    "veto_window": "Allowed unless somebody objects",
    "review": "People were asked",
    "deny": "Denied",
}
"""The ruling's verdicts in words."""
KEPT_APART: Final = frozenset({"arguments", "format"})
"""Facts that the page shows by themselves, with secrets masked, or not at all."""
ERASED: Final = "[erased]"
"""What stands where a person's words stood before they were erased."""


@dataclass(frozen=True)
class Ruled:
    """One revision with what was ruled on it: the findings, and the facts that were judged."""

    revision: Revision
    verdict: str
    findings: list[dict[str, Any]]
    facts: list[tuple[str, str]]
    """Name and value of each fact but the arguments, the value as JSON."""


@dataclass(frozen=True)
class Turn:
    """One step of a run. Without ``step`` the model was asked and nothing was proposed."""

    number: int
    step: Shown | None = None
    calls: list[Heard] = field(default_factory=list)
    rulings: list[Ruled] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    permits: list[Permit] = field(default_factory=list)
    answered: Answered | None = None
    names: dict[uuid.UUID, str] = field(default_factory=dict)
    """Who decided, by id."""

    @property
    def action(self) -> Action | None:
        """What was proposed."""
        return self.step.action if self.step else None

    @property
    def call(self) -> Heard | None:
        """The call of the model that proposed it, or the last one that was made for this step."""
        trace = self.action.trace if self.action else None
        return next((one for one in self.calls if one.call.pk == trace), self.calls[-1] if self.calls else None)

    @property
    def failed(self) -> list[Heard]:
        """Calls for this step that gave nothing usable."""
        return [one for one in self.calls if one.call.error]

    @property
    def arguments(self) -> list[Argument]:
        """The arguments of the current revision, secrets masked."""
        if self.step is None or not self.rulings:
            return []
        return arguments(json.loads(self.rulings[-1].revision.arguments), self.step.contract)

    @property
    def permitted_by(self) -> list[tuple[Permit, str]]:
        """Each permit with whose word it rests on; nobody's where the policy let it go."""
        return [
            (permit, ", ".join(sorted(self.names[one] for one in permit.deciders if one in self.names)))
            for permit in self.permits
        ]


@dataclass(frozen=True)
class Trail:
    """Everything that the story of a run shows."""

    story: Story
    given: Given
    turns: list[Turn]
    events: list[Event]
    """What happened to the run itself."""
    told: bool
    """Whether what the model was sent and said is part of it."""

    @property
    def run(self) -> Run:
        """The run."""
        return self.story.run

    @property
    def calls(self) -> list[Heard]:
        """Every call of the model, in order."""
        return [one for turn in self.turns for one in turn.calls]

    @property
    def erased(self) -> bool:
        """Whether what people and the model said in it was erased for a person's sake."""
        return self.run.goal == ERASED

    @property
    def gone(self) -> str:
        """That its model calls are gone, in a word: erased, or otherwise; empty where some are there or none was."""
        if self.calls or not self.told:
            return ""
        if self.erased:
            return "Erased"
        proposed = any(action.trace for action in self.story.actions)
        return "Gone" if proposed else ""

    @property
    def tokens(self) -> int:
        """Read and written, over all calls."""
        return sum((one.call.tokens_in or 0) + (one.call.tokens_out or 0) for one in self.calls)

    @property
    def cost(self) -> Decimal:
        """Of all calls, in the currency of the prices that they were recorded with."""
        return sum((one.call.cost or Decimal(0) for one in self.calls), Decimal(0))

    @property
    def seconds_asking(self) -> float:
        """How long the model took, over all calls."""
        return round(sum(one.call.latency_ms for one in self.calls) / 1000, 1)


def trail(run: Run, *, told: bool) -> Trail:
    """Read the road of a run; what the model was sent and said only where it may be ``told``. Prompts are not read:
    the story fetches each where somebody opens it. Fifteen queries at most, however long the run.
    """
    read = story(run)
    ids = [action.pk for action in read.actions]
    rulings, decisions = _rulings(ids), _decisions(ids)
    permits = _grouped(Permit.objects.filter(action__in=ids).order_by("id"), "action_id")
    ledger = {row.action: row for row in Execution.objects.filter(action__in=ids).select_related("claimer")}
    calls = defaultdict(list)
    for one in Trace.objects.of_run(run.organization_id, run.pk).defer("answer") if told else ():
        calls[one.step].append(Heard(one, []))
    steps = {shown.action.step: shown for shown in read.steps}
    turns = []
    for number in sorted({*steps, *calls}):
        shown = steps.get(number)
        pk = shown.action.pk if shown else None
        turns.append(
            Turn(
                number=number,
                step=shown,
                calls=calls[number],
                rulings=rulings[pk],
                decisions=decisions[pk],
                permits=permits[pk],
                answered=Answered(shown.action, shown.contract, ledger.get(shown.action.pk), []) if shown else None,
                names={one.decider_id: one.decider.username for one in decisions[pk]},
            )
        )
    events = [event for event in read.events if event.subject_kind == "run"]
    return Trail(read, given(run), turns, events, told)


def _grouped(rows: Any, by: str) -> defaultdict[uuid.UUID | None, list[Any]]:
    found: defaultdict[uuid.UUID | None, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, by)].append(row)
    return found


def _rulings(ids: list[uuid.UUID]) -> defaultdict[uuid.UUID | None, list[Ruled]]:
    rows = Revision.objects.filter(action__in=ids).select_related("policy_version", "author", "tool_version")
    found: defaultdict[uuid.UUID | None, list[Ruled]] = defaultdict(list)
    for one in rows.defer("author__password").order_by("number"):
        found[one.action_id].append(_ruled(one))
    return found


def _ruled(revision: Revision) -> Ruled:
    facts = json.loads(revision.facts)
    told = [
        (name.replace("_", " ").capitalize(), value if isinstance(value, str) else _line(value))
        for name, value in facts.items()
        if name not in KEPT_APART and value not in (None, "", [], {})
    ]
    verdict = str(json.loads(revision.ruling).get("verdict", ""))
    return Ruled(revision, VERDICTS.get(verdict, verdict), findings(revision), told)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _decisions(ids: list[uuid.UUID]) -> defaultdict[uuid.UUID | None, list[Decision]]:
    rows = Decision.objects.filter(action__in=ids).select_related("decider", "revision")
    return _grouped(rows.defer("decider__password").order_by("id"), "action_id")
