"""What people's limits say of one action: time that runs out, steps that time takes, that it was a canary. Reads."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from approvals.models import Action, Escalation, Revision
from approvals.services.canaries import why_of
from approvals.services.prolong import window_of
from approvals.services.window import MOST_EXTENSIONS, extended_until, running_out
from approvals.states import ActionStatus


@dataclass(frozen=True)
class Limits:
    """How it stands with one action at this moment."""

    last: bool = False
    """Whether the last part of its time has begun."""
    until: datetime | None = None
    """Until when it would wait if it were given more time; None where it may not."""
    steps: tuple[Escalation, ...] = ()
    """Whom time brings it before, and brought it before."""
    canary: str = ""
    """What a reader should have noticed, of a canary that is over."""

    @property
    def times_left(self) -> int:
        """How often time can be given at most."""
        return MOST_EXTENSIONS


def limits_of(action: Action, revision: Revision) -> Limits:
    """Read it. One query where the policy names steps, and one for a canary that is over."""
    if action.status != ActionStatus.IN_REVIEW:
        return Limits(canary=why_of(action))
    seconds, contract = window_of(action, revision)
    last = running_out(action, seconds, timezone.now())
    until = extended_until(action, seconds, contract)
    may = last and action.extended < MOST_EXTENSIONS and until > action.expires_at
    named = "escalation" in json.loads(revision.ruling)
    steps = Escalation.objects.filter(action=action, revision=action.revision).order_by("number") if named else ()
    return Limits(last=last, until=until if may else None, steps=tuple(steps))
