"""What a run's page shows, read from the rows: steps, what happened, the report beside the model's own words."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F

from accounts.models import Membership
from approvals.models import Action, Remark, Revision
from approvals.states import SETTLED
from lam_app.models import Report, Run, RunPlan, RunQuerySet
from lam_app.outline import Outline, outline
from lam_app.patience import WAITS
from lam_app.planted import SEES_ALL, beginning
from lam_app.states import FINISHED, RunStatus
from tools.contract import Contract
from tools.kinds import Tier
from traces.models import Event

EVENTS: Final = 300
QUIET: Final = frozenset({RunStatus.NEEDS_INPUT, RunStatus.NEEDS_HUMAN, RunStatus.HALTED})
"""Not finished, but nothing happens until a person acts: the page asks less often."""


@dataclass(frozen=True)
class Shown:
    """One step as the run's page shows it: what it takes back, what takes it back, and whether anything could."""

    action: Action
    contract: Contract | None
    takes_back: Action | None
    taken_back_by: Action | None

    @property
    def changes(self) -> bool:
        """Whether it does more than read."""
        return self.contract is None or self.contract.tier is not Tier.READ

    @property
    def final(self) -> bool:
        """Whether nothing takes it back once it has run. It is said while it still waits, and afterwards."""
        may_be = self.action.status not in SETTLED or self.action.status == "done"
        return may_be and self.changes and (self.contract is None or self.contract.inverse is None)

    @property
    def undoable(self) -> bool:
        """Whether this step alone can be asked to be taken back now."""
        free = self.action.status == "done" and self.taken_back_by is None and self.takes_back is None
        return free and self.changes and not self.final


@dataclass(frozen=True)
class Story:
    """Everything that the page of one run shows."""

    run: Run
    actions: list[Action]
    steps: list[Shown]
    events: list[Event]
    report: Report | None
    plan: Outline | None
    questions: list[Remark]
    """What reviewers want to know and nobody has answered, oldest first."""
    corrected: str = ""
    """The goal as the initiator corrected it; empty where nobody did."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.run.status in FINISHED

    @property
    def goal(self) -> str:
        """What counts as the goal: the initiator's last word on it."""
        return self.corrected or self.run.goal

    @property
    def steps_done(self) -> int:
        """How many steps have been done, those among them that were taken back since."""
        return sum(1 for action in self.actions if action.status in {"done", "undone"} and action.undo_of is None)

    @property
    def steps_known(self) -> int:
        """How many steps there are, as far as anybody can tell: those that stand, and what else is planned."""
        stand = [action for action in self.so_far if action.undo_of is None]
        ahead = sum(1 for node in self.plan.nodes if node.action is None) if self.plan and not self.finished else 0
        return len(stand) + ahead

    @property
    def every(self) -> str:
        """How often the page asks."""
        return "5s" if self.run.status in QUIET else "1s"

    @property
    def seen(self) -> str:
        """Changes whenever something on the page would."""
        plan = self.plan.number if self.plan else 0
        return f"{self.run.status}.{len(self.events)}.{'r' if self.report else '-'}.{plan}.{len(self.questions)}"

    @property
    def desk_full(self) -> str:
        """Why the run waits for room; empty where it does not."""
        last = max(self.events, key=lambda event: event.pk, default=None)
        waits = self.run.status == RunStatus.PLANNING and last is not None and last.verb in WAITS
        return last.reason if waits and last is not None else ""

    @property
    def so_far(self) -> list[Action]:
        """What has been proposed and stands, for the report that is not written yet."""
        return [action for action in self.actions if action.status not in {"denied", "withdrawn"}]

    @property
    def changed(self) -> bool:
        """Whether anything that the run did has changed a record, or may have."""
        return any(step.changes and step.action.status in {"done", "uncertain", "executing"} for step in self.steps)

    @property
    def undoable(self) -> bool:
        """Whether anything of it was done that might be taken back."""
        return any(action.status == "done" and action.undo_of is None for action in self.actions)

    @property
    def reversible(self) -> bool:
        """Whether a tool would take something of it back."""
        return any(step.undoable for step in self.steps)

    @property
    def undone(self) -> int:
        """How many steps have been taken back."""
        return sum(1 for action in self.actions if action.status == "undone")

    @property
    def undo_stopped(self) -> bool:
        """Whether it needs a person because its undoing did not go through."""
        came = [e for e in self.events if e.subject_kind == "run" and e.target == RunStatus.NEEDS_HUMAN]
        return self.run.status == RunStatus.NEEDS_HUMAN and bool(came) and came[-1].source == RunStatus.UNDOING

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The report's lines, each with what became of its step since."""
        now = {str(action.id): action.status for action in self.actions}
        return [{**line, "now": now.get(line["action"], "")} for line in self.report.lines] if self.report else []

    @property
    def waiting(self) -> list[Action]:
        """Actions that wait for a person."""
        return [action for action in self.actions if action.status == "in_review"]

    @property
    def unproven(self) -> bool:
        """Whether the model claims something although no ledger row says that anything was done."""
        return self.report is not None and not any(line["status"] == "done" for line in self.report.lines)


def visible_runs(membership: Membership) -> RunQuerySet:
    """Runs that this person may look at: operators their own, the other parts all of the organization's."""
    runs = Run.objects.within(membership.organization_id)
    return runs if membership.has(*SEES_ALL) else runs.started_by(membership.user_id)


def story(run: Run) -> Story:
    """Read what belongs to a run. Six queries, whatever its size, and one more where somebody asks something."""
    actions = list(Action.objects.within(run.organization_id).of_run(run.pk))
    plan = outline(run, actions)
    events = Event.objects.within(run.organization_id).filter(run=run.pk).reverse()[:EVENTS]
    return Story(
        run=run,
        actions=actions,
        steps=_steps(actions),
        events=[*beginning(run, actions), *events],
        report=Report.objects.filter(run=run).first(),
        plan=plan,
        corrected=corrected([run]).get(run.pk, "") if plan and (plan.corrected or plan.number > 1) else "",
        questions=_questions([action for action in actions if action.asked_at is not None]),
    )


def corrected(rows: Sequence[Run]) -> dict[uuid.UUID, str]:
    """The goals of these runs as their initiators corrected them, where they did. One query."""
    words = RunPlan.objects.filter(run__in=rows, author__isnull=False).order_by("run_id", "-number")
    return dict(words.distinct("run_id").values_list("run_id", "goal"))


def _questions(asking: list[Action]) -> list[Remark]:
    """The newest question about each of these actions, oldest first. No query where nobody asks."""
    if not asking:
        return []
    asked = Remark.objects.filter(action__in=asking, kind=Remark.Kind.QUESTION).select_related("action", "author")
    newest = {remark.action_id: remark for remark in asked.defer("author__password").order_by("id")}
    return sorted(newest.values(), key=lambda remark: remark.pk)


def _steps(actions: list[Action]) -> list[Shown]:
    """The steps with the contracts under which they were ruled, and which of them takes which one back."""
    current = Revision.objects.filter(action__in=actions, number=F("action__revision")).select_related("tool_version")
    versions = {revision.action_id: revision.tool_version for revision in current}
    by_id = {action.id: action for action in actions}
    over = SETTLED - {"done"}
    undoing = {action.undo_of: action for action in actions if action.undo_of and action.status not in over}
    return [
        Shown(
            action=action,
            contract=Contract.from_json(version.contract) if (version := versions.get(action.id)) else None,
            takes_back=by_id.get(action.undo_of) if action.undo_of else None,
            taken_back_by=undoing.get(action.id),
        )
        for action in actions
    ]


def started(rows: list[Run]) -> dict[uuid.UUID, list[Action]]:
    """The actions of several runs at once, for a list."""
    found: dict[uuid.UUID, list[Action]] = {}
    keys: list[Any] = [row.pk for row in rows]
    for action in Action.objects.filter(run__in=keys).order_by("step"):
        found.setdefault(action.run, []).append(action)
    return found
