"""The kill switch: ARMED at its commit, QUIET once every claim in flight is recorded or its claimer known dead.

Arming takes the scope's advisory lock exclusively. Claims hold it shared until they commit, so a claim is either
committed before the kill (and counted as in flight) or begins its checks after it (and sees it). Redis plays
no part. It is lifted in two stages, both by a second person: first people decide again while nothing leaves, then it
is released. A permit signed before the kill stays void for good.
"""

import uuid

from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from accounts.actors import machine, person
from accounts.models import Agent, Membership, Organization, User
from accounts.roles import Role
from tools.exceptions import AlreadyReleased, MayNotStop, NotEased, SecondPersonNeeded, StopNotFound, StopRefused
from tools.models import KillSwitch
from tools.queries import holds
from tools.scopes import EVERYTHING, key
from traces.clock import now
from traces.guards import REFUSED
from traces.ids import uuid7
from traces.services import Actor, Entry, record

ATTEMPTS = 3
LOCKED = "55P03"
"""SQLSTATE of a lock that was not to be had in time."""
STOPPERS = (Role.REVIEWER, Role.ADMINISTRATOR)


def engage(*, actor: User, organization: uuid.UUID, scope: str, target: uuid.UUID | None, reason: str) -> KillSwitch:
    """Stop an organization, or a tool, agent, initiator or run within it. When this returns, the stop is ARMED.

    Raises MayNotStop; StopRefused for a missing reason, an unknown scope or a scope without its target; StopNotFound
    for a target that is missing or another organization's, alike. ``everything`` is the platform operator's and is
    never engaged from a session.
    """
    if scope not in KillSwitch.Scope.values or scope == KillSwitch.Scope.EVERYTHING:
        raise StopRefused(f"scope: {scope!r} cannot be stopped here.", errors={"scope": "This cannot be stopped here."})
    if scope == KillSwitch.Scope.ORGANIZATION:
        target = organization
    if target is None:
        raise StopRefused("target: say what to stop.", errors={"target": "Say what to stop."})
    if scope != KillSwitch.Scope.TOOL or not holds(actor.pk, target, "stop_tool"):
        may_stop(actor, organization)  # whoever holds the right on this very tool needs no part here
    return _arm(
        by=person(actor), answerable=actor, organization=organization, scope=scope, target=target, reason=reason
    )


def stop_everything(*, by: Actor, answerable: User, reason: str) -> KillSwitch:
    """Stop all organizations at once. The platform operator's, from the command line; no session reaches it."""
    return _arm(
        by=by,
        answerable=answerable,
        organization=None,
        scope=KillSwitch.Scope.EVERYTHING.value,
        target=None,
        reason=reason,
    )


def stop_own_run(*, agent: Agent, answerable: User, run: uuid.UUID, reason: str) -> KillSwitch:
    """Stop one run for the agent that proposed its action; whose run it is, the caller has established.

    Releasing it needs a person, and not the one who answers for the agent. Raises StopRefused and StopNotFound.
    """
    return _arm(
        by=machine(agent),
        answerable=answerable,
        organization=agent.organization_id,
        scope=KillSwitch.Scope.RUN.value,
        target=run,
        reason=reason,
    )


def _arm(
    *, by: Actor, answerable: User, organization: uuid.UUID | None, scope: str, target: uuid.UUID | None, reason: str
) -> KillSwitch:
    """Wait for the claims that hold the scope, keep new ones out, raise the epoch, commit: that is ARMED."""
    reason = reason.strip()
    if not reason:
        raise StopRefused("reason: say why.", errors={"reason": "Say why."})
    scope_key = key(scope, target) if target is not None else EVERYTHING
    switch = KillSwitch(
        id=uuid7(),
        organization_id=organization,
        scope=scope,
        target=target,
        scope_key=scope_key,
        reason=reason,
        engaged_by=answerable,
    )
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            _commit(switch, by)
            break
        except DatabaseError as error:
            state = getattr(error.__cause__, "sqlstate", "")
            if state == REFUSED:
                raise StopNotFound from None
            if state != LOCKED or not attempts_left:
                raise
    switch.refresh_from_db()
    return switch


def _commit(switch: KillSwitch, by: Actor) -> None:
    """One attempt. Claims hold the lock for milliseconds, and one that was paused loses it within a second."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [switch.scope_key])
        cursor.execute("SELECT nextval('tools_kill_epoch')")
        row = cursor.fetchone()
        assert row is not None
        switch.epoch = row[0]
        switch.save(force_insert=True)
        record(*_entries(switch, by, "stop_engaged", switch.reason))


def ease(*, actor: User, organization: uuid.UUID | None, switch_id: uuid.UUID, reason: str = "") -> KillSwitch:
    """The first stage of lifting a stop: agents may propose and people decide again, and still nothing leaves.

    So what would leave first can be looked at before it does. Raises as ``release``.
    """
    _may_lift(actor, organization)
    with transaction.atomic():
        switch = _by_another(actor, organization, switch_id)
        if switch.eased_at is not None:
            raise AlreadyReleased("People decide again already.")
        switch.eased_by, switch.eased_at = actor, now()
        switch.save(update_fields=["eased_by", "eased_at"])
        record(*_entries(switch, person(actor), "stop_eased", reason))
    return switch


def release(*, actor: User, organization: uuid.UUID | None, switch_id: uuid.UUID, reason: str = "") -> KillSwitch:
    """The second stage: let go of a stop. Permits from before it stay void for good.

    ``organization`` is None for a stop over everything, which only the command line lifts.
    Raises StopNotFound, MayNotStop, SecondPersonNeeded, NotEased or AlreadyReleased.
    """
    _may_lift(actor, organization)
    with transaction.atomic():
        switch = _by_another(actor, organization, switch_id)
        if switch.eased_at is None:
            raise NotEased
        switch.released_by, switch.released_at, switch.release_reason = actor, now(), reason.strip()
        switch.save(update_fields=["released_by", "released_at", "release_reason"])
        record(*_entries(switch, person(actor), "stop_released", reason))
    return switch


def _by_another(actor: User, organization: uuid.UUID | None, switch_id: uuid.UUID) -> KillSwitch:
    """The stop, locked, if it is in force and somebody else engaged it."""
    own = Q(organization__isnull=True) if organization is None else Q(organization_id=organization)
    switch = KillSwitch.objects.select_for_update().filter(own, id=switch_id).first()
    if switch is None:
        raise StopNotFound
    if switch.released_at is not None:
        raise AlreadyReleased
    if switch.engaged_by_id == actor.pk:
        raise SecondPersonNeeded
    return switch


def settle_quiet() -> int:
    """Note the moment of QUIET on armed stops that nothing in flight is left under, and tell of it. For every sweep.

    A claim counts as in flight until it is recorded or its claimer is known dead; one that waits for another attempt
    is not, because that attempt begins like a claim, behind the stop's lock. For agents and initiators, whose
    claims the ledger does not name, the whole organization has to be quiet: later than need be, never too early.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tools_killswitch k SET quiet_at = clock_timestamp()
            WHERE k.quiet_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM tools_execution e
                JOIN tools_worker w ON w.id = e.claimer_id
                WHERE e.status = 'claimed' AND e.retry_at IS NULL AND w.ended_at IS NULL AND (
                    k.scope = 'everything'
                    OR (k.scope = 'organization' AND e.organization_id = k.target)
                    OR (k.scope = 'tool' AND e.tool_id = k.target)
                    OR (k.scope = 'run' AND e.run = k.target)
                    OR (k.scope IN ('agent', 'initiator') AND e.organization_id = k.organization_id)))
            RETURNING k.id
            """
        )
        ids = [row[0] for row in cursor.fetchall()]
        for switch in KillSwitch.objects.filter(id__in=ids):
            record(*_entries(switch, Actor.system("sweeper"), "stop_quiet", ""))
    return len(ids)


def may_stop(actor: User, organization: uuid.UUID) -> None:
    """Raises MayNotStop for whoever is no reviewer and no administrator here."""
    member = Membership.objects.of(actor).filter(organization_id=organization).first()
    if member is None or not member.has(*STOPPERS):
        raise MayNotStop


def _may_lift(actor: User, organization: uuid.UUID | None) -> None:
    """Whoever runs the installation vouches for the person who lifts a stop over everything; it has to be one."""
    if organization is not None:
        may_stop(actor, organization)
    elif not actor.is_active:
        raise MayNotStop


def _entries(switch: KillSwitch, by: Actor, verb: str, reason: str) -> list[Entry]:
    """What tells of a stop, in its organization; in every one of them where it is over everything."""
    told: list[uuid.UUID] = (
        [switch.organization_id]
        if switch.organization_id is not None
        else list(Organization.objects.order_by("id").values_list("id", flat=True))
    )
    return [
        Entry(
            organization=organization,
            actor=by,
            verb=verb,
            subject_kind="stop",
            subject=switch.id,
            reason=reason,
            run=switch.target if switch.scope == KillSwitch.Scope.RUN else None,
            detail={"scope": switch.scope, "target": str(switch.target or ""), "epoch": switch.epoch},
        )
        for organization in told
    ]
