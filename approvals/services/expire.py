"""expire: time ran out, which is a no. Nothing in the product turns it into a yes."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from approvals.models import Action, Permit
from approvals.states import ActionStatus
from traces.clock import Moment
from traces.doorbell import ring
from traces.services import Actor, Guard, move

SWEEPER = Actor.system("sweeper")
BATCH = 200
UNSIGNED = timedelta(minutes=5)
"""How long after its time a decision may still be signed: enough for the last second's, not for last week's."""


def expire() -> int:
    """Expire what nobody decided on in time, and permits that nobody used in time. Returns how many moved."""
    with transaction.atomic():
        waiting = list(
            Action.objects.filter(status=ActionStatus.IN_REVIEW, expires_at__lte=Now())
            .order_by("expires_at")
            .values_list("id", flat=True)[:BATCH]
        )
        moved = move(
            Action,
            waiting,
            ActionStatus.IN_REVIEW,
            ActionStatus.EXPIRED,
            actor=SWEEPER,
            verb="expired",
            reason="Nobody decided in time.",
            changes={"settled_at": Moment()} if waiting else None,
            guard=Guard("m.expires_at <= clock_timestamp()"),
            skip_locked=True,
        )
        unused = list(
            Permit.objects.filter(
                action__status=ActionStatus.PERMITTED, revoked_at=None, expires_at__lte=Now()
            ).values_list("action_id", flat=True)[:BATCH]
        )
        lapsed = move(
            Action,
            unused,
            ActionStatus.PERMITTED,
            ActionStatus.EXPIRED,
            actor=SWEEPER,
            verb="expired",
            reason="The permit was not used in time.",
            changes={"settled_at": Moment()} if unused else None,
            guard=Guard(
                "EXISTS (SELECT 1 FROM approvals_permit p WHERE p.action_id = m.id AND p.revoked_at IS NULL"
                " AND p.expires_at <= clock_timestamp())"
            ),
            skip_locked=True,
        )
        stale = list(
            Action.objects.filter(
                ~Exists(Permit.objects.filter(action=OuterRef("pk"), revoked_at=None)),
                Q(due_at=None) | Q(due_at__lte=Now() - UNSIGNED),  # it may have stood scheduled beyond its time
                status=ActionStatus.PERMITTED,
                expires_at__lte=Now() - UNSIGNED,
            ).values_list("id", flat=True)[:BATCH]
        )
        stale = move(
            Action,
            stale,
            ActionStatus.PERMITTED,
            ActionStatus.EXPIRED,
            actor=SWEEPER,
            verb="expired",
            reason="It was decided on in time, and no permit was signed while that decision was fresh.",
            changes={"settled_at": Moment()} if stale else None,
            guard=Guard(
                "NOT EXISTS (SELECT 1 FROM approvals_permit p WHERE p.action_id = m.id AND p.revoked_at IS NULL)"
            ),
            skip_locked=True,
        )
        if moved or lapsed or stale:
            ring("lam_app.tasks.advance_runs")
    return len(moved) + len(lapsed) + len(stale)
