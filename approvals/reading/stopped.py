"""What a stop caught, in three lists: stopped before it ran, finished before the stop, unknown. Reads only."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from approvals.models import Action
from approvals.states import ActionStatus
from tools.models import Execution, KillSwitch
from tools.states import STOPPED
from traces.ids import first_of
from traces.models import Event

MOST: Final = 50
BEFORE: Final = dt.timedelta(minutes=10)
"""How long before the stop a call may have been claimed to stand in its lists: longer than any tool may take."""
HELD: Final = (ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.SCHEDULED, ActionStatus.PERMITTED)


@dataclass(frozen=True)
class Caught:
    """The three lists of one stop, the newest first, each cut at ``MOST``."""

    stopped: list[Action]
    finished: list[Action]
    unknown: list[Action]
    most: int
    """A list of this length may have been cut."""


def caught_by(switch: KillSwitch) -> Caught:
    """What this stop held back or halted, what had left and is accounted for, and what nobody knows about yet."""
    covered = Action.objects.filter(scopes__contains=[switch.scope_key])
    if switch.organization_id is not None:
        covered = covered.filter(organization_id=switch.organization_id)
    until = switch.released_at
    halted = Event.objects.filter(verb="halted", subject_kind="action", id__gte=first_of(switch.armed_at))
    if until is not None:
        halted = halted.filter(id__lt=first_of(until))
    if switch.organization_id is not None:
        halted = halted.filter(organization=switch.organization_id)
    caught = Q(id__in=list(halted.order_by("-id").values_list("subject", flat=True)[: 4 * MOST]))
    if until is None:
        caught |= Q(status__in=HELD)
    claims = Execution.objects.filter(
        id__gte=first_of(switch.armed_at - BEFORE), id__lt=first_of(switch.armed_at + dt.timedelta(seconds=1))
    )
    unsent = claims.filter(status="failed", error_code=STOPPED, finished_at__gte=switch.armed_at)
    caught |= Q(status=ActionStatus.FAILED, id__in=unsent.values("action"))
    left = covered.filter(id__in=claims.values("action")).exclude(id__in=unsent.values("action"))
    return Caught(
        stopped=_some(covered.filter(caught)),
        finished=_some(left.filter(status__in=[ActionStatus.DONE, ActionStatus.FAILED, ActionStatus.UNDONE])),
        unknown=_some(left.filter(status__in=[ActionStatus.EXECUTING, ActionStatus.UNCERTAIN])),
        most=MOST,
    )


def _some(rows: QuerySet[Action]) -> list[Action]:
    return list(rows.order_by("-id")[:MOST])
