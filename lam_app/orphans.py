"""Runs that wait for an action that is not there: nothing would ever wake them, so a person has to look.

No account of the product can delete an action. Who runs the database can, and a restore from an older copy may.
"""

from django.db import connection

from lam_app.models import Run
from lam_app.states import RunStatus
from traces.services import Actor, move

SWEEPER = Actor.system("sweeper")
WHY = "What this run waits for is no longer in the database."
_LOST = """
SELECT r.id FROM lam_app_run r
WHERE r.status = 'waiting'
  AND NOT EXISTS (SELECT 1 FROM approvals_action a WHERE a.run = r.id AND a.step = r.step)
ORDER BY r.id LIMIT %s
"""


def hand_over(limit: int = 200) -> int:
    """Bring such runs before a person. Returns how many. Safe to run twice at once."""
    with connection.cursor() as cursor:
        cursor.execute(_LOST, [limit])
        lost = [row[0] for row in cursor.fetchall()]
    if not lost:
        return 0
    return len(
        move(
            Run,
            lost,
            RunStatus.WAITING,
            RunStatus.NEEDS_HUMAN,
            actor=SWEEPER,
            verb="needs_human",
            reason=WHY,
            changes={"problem": WHY},
            skip_locked=True,
        )
    )
