"""The kill switch: ARMED at its commit, QUIET once every claim in flight is recorded or its claimer known dead.

Arming takes the scope's advisory lock exclusively. Claims hold it shared until they commit, so a claim is either
committed before the kill (and counted as in flight) or begins its checks after it (and sees it). Redis plays
no part. Releasing needs a second person; a permit signed before the kill stays void for good.
"""

import uuid

from django.db import connection, transaction

from accounts.models import Membership, User
from accounts.roles import Role
from tools.exceptions import AlreadyReleased, MayNotStop, SecondPersonNeeded, StopNotFound, StopRefused
from tools.models import KillSwitch
from traces.clock import now
from traces.ids import uuid7
from traces.services import Actor, Entry, record

STOPPERS = (Role.REVIEWER, Role.ADMINISTRATOR)


def engage(*, actor: User, organization: uuid.UUID, scope: str, target: uuid.UUID | None, reason: str) -> KillSwitch:
    """Stop an organization, or a tool, agent, initiator or run within it. When this returns, the stop is ARMED.

    Raises MayNotStop, or StopRefused for a missing reason, an unknown scope or a scope without its target.
    ``everything`` is the platform operator's and is engaged from the command line, never from a session.
    """
    reason = reason.strip()
    if not reason:
        raise StopRefused("reason: say why.", errors={"reason": "Say why."})
    if scope not in KillSwitch.Scope.values or scope == KillSwitch.Scope.EVERYTHING:
        raise StopRefused(f"scope: {scope!r} cannot be stopped here.", errors={"scope": "This cannot be stopped here."})
    if scope == KillSwitch.Scope.ORGANIZATION:
        target = organization
    if target is None:
        raise StopRefused("target: say what to stop.", errors={"target": "Say what to stop."})
    _may_stop(actor, organization)
    key = f"{scope}:{target}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        cursor.execute("SELECT nextval('tools_kill_epoch')")
        row = cursor.fetchone()
        assert row is not None
        switch = KillSwitch(
            id=uuid7(),
            organization_id=organization,
            scope=scope,
            target=target,
            scope_key=key,
            epoch=row[0],
            reason=reason,
            engaged_by=actor,
        )
        switch.save(force_insert=True)
        record(_entry(switch, actor, "stop_engaged", reason))
    switch.refresh_from_db()
    return switch


def release(*, actor: User, organization: uuid.UUID, switch_id: uuid.UUID, reason: str = "") -> KillSwitch:
    """Let go of a stop. Raises StopNotFound, MayNotStop, SecondPersonNeeded or AlreadyReleased."""
    _may_stop(actor, organization)
    with transaction.atomic():
        switch = KillSwitch.objects.select_for_update().filter(id=switch_id, organization_id=organization).first()
        if switch is None:
            raise StopNotFound
        if switch.released_at is not None:
            raise AlreadyReleased
        if switch.engaged_by_id == actor.pk:
            raise SecondPersonNeeded
        switch.released_by, switch.released_at, switch.release_reason = actor, now(), reason.strip()
        switch.save(update_fields=["released_by", "released_at", "release_reason"])
        record(_entry(switch, actor, "stop_released", reason))
    return switch


def settle_quiet() -> int:
    """Note the moment of QUIET on armed stops that nothing in flight is left under. Called by every sweep."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tools_killswitch k SET quiet_at = clock_timestamp()
            WHERE k.quiet_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM tools_execution e
                JOIN tools_worker w ON w.id = e.claimer_id
                WHERE e.status = 'claimed' AND w.ended_at IS NULL AND (
                    k.scope = 'everything'
                    OR (k.scope = 'organization' AND e.organization_id = k.target)
                    OR (k.scope = 'tool' AND e.tool_id = k.target)
                    OR (k.scope = 'run' AND e.run = k.target)
                    OR k.scope IN ('agent', 'initiator') AND e.organization_id = k.organization_id))
            """
        )
        return int(cursor.rowcount)


def engaged(organization: uuid.UUID) -> list[KillSwitch]:
    """The stops over an organization, newest first, with those over everything."""
    return list(
        KillSwitch.objects.filter(released_at=None, organization_id=organization)
        .select_related("engaged_by")
        .order_by("-epoch")
    )


def _may_stop(actor: User, organization: uuid.UUID) -> None:
    member = Membership.objects.of(actor).filter(organization_id=organization).first()
    if member is None or not member.has(*STOPPERS):
        raise MayNotStop


def _entry(switch: KillSwitch, actor: User, verb: str, reason: str) -> Entry:
    assert switch.organization_id is not None
    return Entry(
        organization=switch.organization_id,
        actor=Actor("person", actor.pk, actor.username),
        verb=verb,
        subject_kind="stop",
        subject=switch.id,
        reason=reason,
        detail={"scope": switch.scope, "target": str(switch.target), "epoch": switch.epoch},
    )
