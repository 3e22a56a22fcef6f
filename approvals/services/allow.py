"""allow: a call that only the tool's dial holds back goes by a grant, where a person made one that covers it.

The counting is the database's (migration ``0017_grants``), in the transaction that stages the action, as for limits.
"""

import uuid
from dataclasses import replace

from django.db import OperationalError, connection

from approvals.exceptions import LimitsBusy
from approvals.facts import Gathered, Judged, judged
from approvals.facts.grants import candidates, standing
from approvals.facts.usage import plain
from approvals.policy import Ruling, Usage, Verdict
from approvals.policy.grants import Granted, asks
from approvals.services.reserve import WAITED_TOO_LONG
from traces.services import Actor, Entry, record


def allowed(action: uuid.UUID, gathered: Gathered, usage: tuple[Usage, ...]) -> Judged:
    """Rule on a call, by the first grant under which it may run where it could not run without one.

    Call it inside the transaction that stages the action: the use is counted there, exactly once, and whoever uses the
    same grant waits until it ends. A call that runs anyhow, or that a grant alone does not let go, uses none.
    Raises LimitsBusy; then nothing may be staged.
    """
    plainly = judged(gathered, usage)
    if not _the_dial_alone(plainly.ruling):
        return plainly
    for grant in candidates(gathered):
        if _under(grant, gathered, usage).ruling.verdict is not Verdict.ALLOW:
            continue
        counted = _use(action, grant, gathered)
        if counted is None:
            continue
        again = _under(counted, gathered, usage)
        if again.ruling.verdict is Verdict.ALLOW:
            _tell(action, counted, gathered)
        return again
    return plainly


def still_allowed(action: uuid.UUID, gathered: Gathered, usage: tuple[Usage, ...]) -> Judged:
    """Rule on a call with the grant that it was counted against, if it was and that still stands. Writes nothing."""
    plainly = judged(gathered, usage)
    if not _the_dial_alone(plainly.ruling):
        return plainly
    grant = standing(action, gathered, asks(gathered.facts))
    return plainly if grant is None else _under(grant, gathered, usage)


def _the_dial_alone(ruling: Ruling) -> bool:
    """Whether nothing but the tool's dial asks for people: no grant answers anything else, so none is looked for."""
    asking = {finding.check for finding in ruling.findings if finding.verdict is Verdict.REVIEW}
    return ruling.verdict is Verdict.REVIEW and "maturity" in asking and asking <= {"maturity", "approvers"}


def _under(grant: Granted, gathered: Gathered, usage: tuple[Usage, ...]) -> Judged:
    return judged(replace(gathered, facts=replace(gathered.facts, grant=grant)), usage)


def _use(action: uuid.UUID, grant: Granted, gathered: Gathered) -> Granted | None:
    """Count one use; the grant with what was used before it, or None where it is used up or has ended."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT used_before, spent_before FROM approvals_use_grant(%s, %s, %s)",
                [grant.id, action, asks(gathered.facts)],
            )
            row = cursor.fetchone()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) in WAITED_TOO_LONG:
            raise LimitsBusy from error
        raise
    return None if row is None else replace(grant, used=row[0], spent=plain(row[1]))


def _tell(action: uuid.UUID, grant: Granted, gathered: Gathered) -> None:
    record(
        Entry(
            organization=gathered.asked.organization,
            actor=Actor.system("policy"),
            verb="grant_used",
            subject_kind="grant",
            subject=uuid.UUID(grant.id),
            run=gathered.asked.run,
            detail={"action": str(action), "used": grant.used + 1, "uses": grant.uses},
        )
    )
