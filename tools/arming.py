"""An agent stops a run of its own. Whose run it is, the caller has established; people stop through ``killswitch``.

The same moment as there: the scope's advisory lock is taken exclusively, so that every claim is either committed
before (and counted as in flight) or begins its checks afterwards (and sees the stop).
"""

import uuid

from django.db import connection, transaction

from accounts.models import Agent, User
from tools.exceptions import StopRefused
from tools.models import KillSwitch
from traces.ids import uuid7
from traces.services import Actor, Entry, record


def stop_own_run(*, agent: Agent, answerable: User, run: uuid.UUID, reason: str) -> KillSwitch:
    """Stop one run for the agent that proposed its action. ARMED when this returns; releasing it needs a person,
    and not the one who answers for the agent.

    Raises StopRefused for a missing reason.
    """
    reason = reason.strip()
    if not reason:
        raise StopRefused("reason: say why.", errors={"reason": "Say why."})
    key = f"{KillSwitch.Scope.RUN.value}:{run}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        cursor.execute("SELECT nextval('tools_kill_epoch')")
        row = cursor.fetchone()
        assert row is not None
        switch = KillSwitch(
            id=uuid7(),
            organization_id=agent.organization_id,
            scope=KillSwitch.Scope.RUN,
            target=run,
            scope_key=key,
            epoch=row[0],
            reason=reason,
            engaged_by=answerable,
        )
        switch.save(force_insert=True)
        record(
            Entry(
                organization=agent.organization_id,
                actor=Actor("agent", agent.pk, agent.name),
                verb="stop_engaged",
                subject_kind="stop",
                subject=switch.id,
                run=run,
                reason=reason,
                detail={"scope": switch.scope, "target": str(run), "epoch": switch.epoch},
            )
        )
    switch.refresh_from_db()
    return switch
