"""Searching the remembered model calls: what is asked, and a page of what is found. Reads only.

A page is found in a bounded number of calls, however many there are: where the outcome of the action narrows the
search, so many of the newest calls are looked at, and the page says where it stopped.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Left

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import Action
from approvals.states import ActionStatus
from lam_app.models import Run, RunQuerySet
from lam_app.planted import WAITS
from traces.heard import Heard
from traces.models import Trace
from traces.queries import TraceQuerySet, Wanted

READS: Final = (Role.AUDITOR, Role.DEVELOPER)
"""Who reads what the model was sent and said; never for runs that act for themselves."""
PAGE: Final = 50
LOOKED_AT: Final = 2000
"""Calls that one page looks at where it cannot tell beforehand which of them count."""
FAILED: Final = "no_answer"
"""The call gave no usable answer, as the search's form says it."""
OUTCOMES: Final = frozenset(ActionStatus.values)
HEAD: Final = 240
"""Characters of the reasoning that the list shows."""


@dataclass(frozen=True)
class Found:
    """One call in the list: the run that it belongs to, and the action that came of it, if one did."""

    heard: Heard
    run: Run | None
    action: Action | None
    says: str
    """The beginning of the model's reasoning."""


@dataclass(frozen=True)
class Page:
    """A page of calls; ``before`` is where the next one begins, None at the end."""

    rows: list[Found]
    before: uuid.UUID | None
    all: bool
    """Whether every piece of a prompt was looked at."""

    @property
    def looked_on(self) -> bool:
        """Whether there is more to look at although this page is not full."""
        return self.before is not None and len(self.rows) < PAGE


def readable(reader: Membership, calls: TraceQuerySet) -> TraceQuerySet:
    """Those of these calls that a person may read: none of a run that acts for them. Who decides on requests reads none
    of a run in which one waits: a canary has no call, and what has one would be known to be none.
    """
    own = Run.objects.filter(pk=OuterRef("run")).filter(Q(initiator=reader.user_id) | Q(agent__owner=reader.user_id))
    found = calls.filter(~Exists(own))
    if not reader.has(Role.REVIEWER):
        return found
    return found.filter(~Exists(Action.objects.filter(run=OuterRef("run"), status__in=WAITS)))


def open_to(reader: Membership, runs: RunQuerySet) -> RunQuerySet:
    """Those of these runs whose story is open to a person, for the same reason."""
    if not reader.has(Role.REVIEWER):
        return runs
    return runs.filter(~Exists(Action.objects.filter(run=OuterRef("pk"), status__in=WAITS)))


def acts_for(reader: Membership, run: Run) -> bool:
    """Whether a run acts for this person, who then reads nothing of what its model was sent or said."""
    return reader.user_id in (run.initiator_id, run.agent.owner_id)


def search(reader: Membership, wanted: Wanted, outcome: str = "") -> Page:
    """A page of calls that somebody looks for, newest first. Four queries."""
    organization = reader.organization_id
    narrows = outcome in OUTCOMES
    most = LOOKED_AT if narrows else PAGE + 1
    hits = Trace.objects.hits(organization, wanted, most)
    calls = readable(reader, Trace.objects.within(organization).filter(pk__in=hits.ids))
    if narrows:
        came = Action.objects.filter(run=OuterRef("run"), step=OuterRef("step"), trace=OuterRef("pk"), status=outcome)
        calls = calls.filter(Exists(came))
    light = calls.defer("answer", "reasoning", "candidates").annotate(says=Left("reasoning", HEAD))
    rows = list(light[: PAGE + 1])
    before = rows[PAGE - 1].pk if len(rows) > PAGE else hits.ids[-1] if len(hits.ids) == most else None
    return Page(_told(rows[:PAGE]), before, hits.all)


def _told(rows: Iterable[Trace]) -> list[Found]:
    calls = list(rows)
    runs = {run.pk: run for run in Run.objects.filter(pk__in={call.run for call in calls}).with_people()}
    actions = {
        action.trace: action for action in Action.objects.filter(run__in=list(runs), trace__in=[c.pk for c in calls])
    }
    return [Found(Heard(call, []), runs.get(call.run), actions.get(call.pk), call.says) for call in calls]  # type: ignore[attr-defined]
