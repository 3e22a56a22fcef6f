"""approve: a person's yes to exactly what was shown."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import EditorMayNotApprove, NotOpened, PreviewAwaited, TimeRanOut
from approvals.models import Action, Decision
from approvals.services.assign import done_looking
from approvals.services.canaries import ended
from approvals.services.deciding import (
    Looked,
    decided,
    free,
    freshly_signed_in,
    not_aside,
    remembers_refusals,
    shown,
    take,
)
from approvals.services.opened import unopened
from approvals.services.preview import awaited
from approvals.services.votes import standing_votes, wrote
from approvals.states import ActionStatus
from traces.clock import Moment
from traces.doorbell import ring
from traces.services import Guard, move


@remembers_refusals("approve")
def approve(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,
    reason: str = "",
    signed_in_at: datetime | None = None,
    opened: Mapping[str, str] | None = None,
    among: int = 0,
    card: str = "",
    table: float | None = None,
) -> Decision:
    """Record the vote and, when it is the last one needed, let the action go: to the gatekeeper at once, or as soon as
    ``LAM_TAKEBACK_SECONDS`` have passed in which the yes can be taken back.

    ``digest`` is that of the revision that the person saw, ``signed_in_at`` when the person last gave a password in
    this session (None: not known, which is not fresh), ``opened`` the tokens of the folded values that were opened: on
    medium and high risk of every one (``approvals.reading.folds``). Enough are so many people of whom each may decide
    now, and of every team its number, nobody counted for two. ``among`` how many calls the person decided at once, 0
    for this one alone; ``card`` the token of the page, which says for how long it was open, or ``table`` the seconds
    that the table of all of them was. A yes to a canary ends it and lets nothing go.

    Raises PreviewAwaited, EditorMayNotApprove, NotOpened, Taken, SetAside, and the exceptions of ``take``, ``shown``
    and ``freshly_signed_in``.
    """
    action = take(actor=actor, organization=organization, action_id=action_id)
    revision = shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
    free(action, actor)
    not_aside(action)
    freshly_signed_in(action, signed_in_at)
    if awaited(action):
        raise PreviewAwaited(state=action.status)
    if wrote(action, revision, actor.pk):
        raise EditorMayNotApprove(state=action.status)
    if unopened(action, revision, actor.pk, opened or {}):
        raise NotOpened(state=action.status)
    decision = decided(
        action,
        revision,
        actor=actor,
        verb=Decision.Verb.APPROVE,
        reason=reason,
        signed_in_at=signed_in_at,
        among=among,
        looked=Looked(card, opened or {}, table),
    )
    if action.canary:
        ended(action, actor, how=Decision.Verb.APPROVE)
        return decision
    votes, missing = standing_votes(action, revision)
    if missing:
        done_looking(action, actor)  # it waits for somebody else now
    else:
        back = settings.LAM_TAKEBACK_SECONDS
        moved = move(
            Action,
            [action.id],
            ActionStatus.IN_REVIEW,
            ActionStatus.SCHEDULED if back else ActionStatus.PERMITTED,
            actor=person(actor),
            verb="approved" if back else "permitted",
            reason=reason,
            details={
                action.id: {
                    "votes": len(votes),
                    "quorum": action.quorum,
                    "teams": action.teams,
                    "digest": revision.digest,
                }
            },
            changes={"due_at": Moment(back)} if back else None,
            guard=Guard("m.digest = %(shown)s AND m.expires_at > clock_timestamp()", {"shown": digest}),
        )
        if not moved:  # the last moment passed between the look and the move
            raise TimeRanOut(state=action.status)
        if not back:
            ring("approvals.tasks.sign_permits")
    return decision
