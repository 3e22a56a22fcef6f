"""previewed: a tool has said what a call would do, and the call is judged with that: the next revision, and where it
goes. The gatekeeper's task does it, from facts that it gathers anew.
"""

import logging
import uuid
from typing import Any

from django.db import transaction
from django.db.models import F
from psycopg.types.json import Jsonb

from approvals.exceptions import LimitsBusy
from approvals.facts import Judged, gather, judged
from approvals.models import Action, PreviewRow, Revision
from approvals.policy import DryRunState, Verdict
from approvals.reading.trying import usage_now
from approvals.services.allow import allowed
from approvals.services.permit import UNREADABLE
from approvals.services.preview import ask
from approvals.services.propose import TARGETS, before_people, revise
from approvals.services.rejudge import asked_again
from approvals.services.reserve import release, reserve
from approvals.services.window import review_seconds
from approvals.states import ActionStatus
from tools.queries import engaged_over
from traces.clock import later, now
from traces.doorbell import ring
from traces.ids import NIL
from traces.services import Actor, Entry, Guard, move, record

logger = logging.getLogger(__name__)
POLICY = Actor.system("policy")
WAITING = (ActionStatus.PROPOSED, ActionStatus.IN_REVIEW)
_SENT = {
    ActionStatus.PERMITTED: "approvals.tasks.sign_permits",
    ActionStatus.DENIED: "lam_app.tasks.advance_runs",
}


def unruled(limit: int, *, after: uuid.UUID = NIL) -> list[PreviewRow]:
    """Answers that an action waits for, oldest first, of those behind ``after``."""
    return list(
        PreviewRow.objects.filter(
            closed_at=None,
            action__status__in=WAITING,
            action__revision=F("revision"),
            answered_at__isnull=False,
            id__gt=after,
        )
        .select_related("action")
        .order_by("id")[:limit]
    )


def rule_on(row: PreviewRow) -> bool:
    """Judge an action with what its tool said, as its next revision, and send it where the ruling says.

    Under a stop nothing moves: the sweep halts what was only proposed. Returns whether this caller moved it.
    """
    action = row.action
    if engaged_over(action.scopes):
        return False
    try:
        return _rule_on(row, action)
    except (*UNREADABLE, LimitsBusy):  # it stays where it is, and must keep no other from its ruling
        logger.exception("a preview could not be ruled on", extra={"action": str(action.id)})
        return False


def _rule_on(row: PreviewRow, action: Action) -> bool:
    current = action.revisions.get(number=row.revision)
    gathered = gather(asked_again(action, current))
    with transaction.atomic():
        if not PreviewRow.objects.select_for_update(skip_locked=True).filter(id=row.id, closed_at=None).exists():
            return False
        usage = usage_now(gathered) if action.canary else reserve(action.id, gathered)  # nothing of one is used
        first = action.status == ActionStatus.PROPOSED and not action.canary  # what is in review is people's to decide
        again = allowed(action.id, gathered, usage) if first else judged(gathered, usage)
        revision = revise(
            action, again, number=current.number + 1, author=current.author_id, considered=current.considered
        )
        send = _send if action.status == ActionStatus.PROPOSED else _show
        if not send(action, again, revision):
            transaction.set_rollback(True)
            return False
        PreviewRow.objects.filter(id=row.id).update(closed_at=now())
    return True


def _send(action: Action, again: Judged, revision: Revision) -> bool:
    """The first real ruling on what was only proposed: it leaves PROPOSED with it."""
    ruling = again.ruling
    target = TARGETS[ruling.verdict]
    if action.canary and target is not ActionStatus.IN_REVIEW:  # it would come before nobody
        target = ActionStatus.WITHDRAWN
    changes = _columns(again, revision, ruling.verdict)
    changes["teams"] = Jsonb(changes["teams"])
    if target is ActionStatus.SCHEDULED:
        changes["due_at"] = later(ruling.veto_seconds)
    if target in {ActionStatus.DENIED, ActionStatus.WITHDRAWN}:
        changes["settled_at"] = now()
    moved = move(
        Action,
        [action.id],
        ActionStatus.PROPOSED,
        target,
        actor=POLICY,
        verb="ruled",
        reason=_reasons(again),
        details={action.id: _detail(again, revision)},
        changes=changes,
        guard=Guard("m.revision = %(revision)s", {"revision": revision.number - 1}),
    )
    if not moved:
        return False
    _written(action, again, revision)
    if target in _SENT:
        ring(_SENT[target])
    if target is ActionStatus.DENIED:
        release([action.id])
    return True


def _show(action: Action, again: Judged, revision: Revision) -> bool:
    """Another revision of what stands in review: votes begin anew, and the policy's no ends it."""
    denied = again.ruling.verdict is Verdict.DENY
    verdict = Verdict.DENY if denied else Verdict.REVIEW
    waiting = Action.objects.filter(id=action.id, status=ActionStatus.IN_REVIEW, revision=revision.number - 1)
    if not waiting.update(**_columns(again, revision, verdict)):
        return False
    _written(action, again, revision)
    record(
        Entry(
            organization=action.organization_id,
            actor=POLICY,
            verb="previewed",
            subject_kind="action",
            subject=action.id,
            reason=_reasons(again),
            run=action.run,
            detail=_detail(again, revision),
        )
    )
    if denied:
        move(
            Action,
            [action.id],
            ActionStatus.IN_REVIEW,
            ActionStatus.DENIED,
            actor=POLICY,
            verb="ruled",
            reason=_reasons(again),
            changes={"settled_at": now()},
        )
        release([action.id])
        ring("lam_app.tasks.advance_runs")
    return True


def _written(action: Action, again: Judged, revision: Revision) -> None:
    """The revision beside its action; and the next question, where the tool was changed while it was asked."""
    revision.save(force_insert=True)
    if again.facts.dry_run.state is DryRunState.AWAITED and again.ruling.verdict is not Verdict.DENY:
        ask(action, revision)
    if again.ruling.verdict is Verdict.REVIEW:
        action.refresh_from_db()
        before_people(action, again.ruling)


def _columns(again: Judged, revision: Revision, verdict: Verdict) -> dict[str, Any]:
    ruling = again.ruling
    return {
        "revision": revision.number,
        "digest": revision.digest,
        "summary": again.summary,
        "verdict": verdict.value,
        "risk": str(ruling.risk),
        "maturity": str(ruling.maturity),
        "quorum": max(1, ruling.quorum),
        "teams": [list(team) for team in ruling.teams],
        "unroutable": ruling.unroutable,
        "expires_at": later(review_seconds(ruling)),
    }


def _reasons(again: Judged) -> str:
    return " ".join(f.text for f in again.ruling.findings if f.verdict is again.ruling.verdict)[:2000]


def _detail(again: Judged, revision: Revision) -> dict[str, object]:
    return {
        "verdict": again.ruling.verdict.value,
        "policy": again.policy.number,
        "risk": str(again.ruling.risk),
        "revision": revision.number,
        "digest": revision.digest,
        "dry_run": str(again.facts.dry_run.state),
    }
