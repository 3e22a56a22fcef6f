"""escalation: what nobody takes is brought before more people, step by step, as the policy's rules say.

A step asks; it gives nobody a right and lowers nothing: who may decide is looked up at the decision as ever, and as
many have to as the ruling said. Each step is one row, done once by whichever sweep is first.
"""

from datetime import timedelta
from typing import Final

from django.db import connection, transaction

from approvals.models import Action, Escalation
from approvals.policy import Ruling
from traces.clock import now
from traces.services import Actor, Entry, record

SWEEPER: Final = Actor.system("sweeper")
BATCH: Final = 200


def steps_of(action: Action, ruling: Ruling) -> None:
    """Write down the steps of a chain, as the action comes before people. Most rulings have none."""
    if not ruling.escalation:
        return
    begun = now()
    Escalation.objects.bulk_create(
        [
            Escalation(
                organization_id=action.organization_id,
                action=action,
                revision=action.revision,
                number=number,
                team=team,
                due_at=begun + timedelta(seconds=after),
            )
            for number, (after, team) in enumerate(ruling.escalation, 1)
        ]
    )


# What is due: of actions that no longer wait, or wait as something else, the step is over. What somebody has taken
# waits for being let go of. Step and action are locked, and whoever comes second
# passes by.
_DUE = """
WITH due AS (
    SELECT e.id, m.status = 'in_review' AND m.revision = e.revision AS waits, (
        SELECT count(DISTINCT x.user_id)
        FROM tools_right x
        JOIN accounts_team g ON g.organization_id = m.organization_id AND g.name = e.team
        JOIN accounts_user_groups u ON u.group_id = g.group_id AND u.user_id = x.user_id
        WHERE x.tool_id = m.tool_id AND x.codename = 'review_tool' AND NOT x.user_id = ANY (m.principals)
    ) AS able
    FROM approvals_escalation e JOIN approvals_action m ON m.id = e.action_id
    WHERE e.done_at IS NULL AND NOT e.skipped AND e.due_at <= clock_timestamp()
      AND NOT (m.status = 'in_review' AND m.revision = e.revision
               AND m.assigned_until IS NOT NULL AND m.assigned_until > clock_timestamp())
    ORDER BY e.due_at, e.id LIMIT %(batch)s FOR UPDATE OF e, m SKIP LOCKED
)
UPDATE approvals_escalation e
SET done_at = CASE WHEN due.waits THEN clock_timestamp() END, skipped = NOT due.waits,
    able = CASE WHEN due.waits THEN due.able END
FROM due WHERE e.id = due.id AND e.done_at IS NULL AND NOT e.skipped
RETURNING e.id
"""


def escalate_due() -> int:
    """Do the steps whose time has come. Returns how many teams were asked."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_DUE, {"batch": BATCH})
            touched = [row[0] for row in cursor.fetchall()]
        done = list(
            Escalation.objects.filter(id__in=touched, done_at__isnull=False)
            .select_related("action")
            .order_by("action_id", "number")
        )
        for step in done:
            Action.objects.filter(id=step.action_id, escalated_at=None).update(escalated_at=step.done_at)
        record(*map(_told, done))
    return len(done)


def _told(step: Escalation) -> Entry:
    return Entry(
        organization=step.organization_id,
        actor=SWEEPER,
        verb="asked_team",
        subject_kind="action",
        subject=step.action_id,
        reason=f"Nobody had taken it, so {step.team} are asked too.",
        run=step.action.run,
        detail={"team": step.team, "step": step.number, "able": step.able or 0, "revision": step.revision},
    )
