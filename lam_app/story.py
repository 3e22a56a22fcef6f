"""What a run's page shows, read from the rows: steps, what happened, the report beside the model's own words."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import Action
from lam_app.models import Report, Run, RunQuerySet
from lam_app.states import FINISHED, RunStatus
from traces.models import Event

EVENTS: Final = 300
SEES_ALL: Final = (Role.REVIEWER, Role.ADMINISTRATOR, Role.AUDITOR, Role.DEVELOPER)
QUIET: Final = frozenset({RunStatus.NEEDS_INPUT, RunStatus.NEEDS_HUMAN, RunStatus.HALTED})
"""Not finished, but nothing happens until a person acts: the page asks less often."""


@dataclass(frozen=True)
class Story:
    """Everything that the page of one run shows."""

    run: Run
    actions: list[Action]
    events: list[Event]
    report: Report | None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.run.status in FINISHED

    @property
    def every(self) -> str:
        """How often the page asks."""
        return "5s" if self.run.status in QUIET else "1s"

    @property
    def seen(self) -> str:
        """Changes whenever something on the page would."""
        return f"{self.run.status}.{len(self.events)}.{'r' if self.report else '-'}"

    @property
    def undoable(self) -> bool:
        """Whether anything of it was done that might be taken back."""
        return any(action.status == "done" and action.undo_of is None for action in self.actions)

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
    """Read what belongs to a run. Three queries, whatever its size."""
    return Story(
        run=run,
        actions=list(Action.objects.within(run.organization_id).of_run(run.pk)),
        events=list(Event.objects.within(run.organization_id).filter(run=run.pk).reverse()[:EVENTS]),
        report=Report.objects.filter(run=run).first(),
    )


def started(rows: list[Run]) -> dict[uuid.UUID, list[Action]]:
    """The actions of several runs at once, for a list."""
    found: dict[uuid.UUID, list[Action]] = {}
    keys: list[Any] = [row.pk for row in rows]
    for action in Action.objects.filter(run__in=keys).order_by("step"):
        found.setdefault(action.run, []).append(action)
    return found
