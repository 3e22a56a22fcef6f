"""A policy is tried before it is in force: write it, ask for a replay over what was recorded, or call that off."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import connection, transaction

from accounts.models import Membership, User
from accounts.roles import Role
from approvals.exceptions import NotAdministrator, PolicyInvalid, PolicyMoved, ReplayBusy, TrialNotFound
from approvals.facts import current_policy
from approvals.models import Trial
from approvals.policy import PolicyRefused, read_policy
from traces.clock import later, now
from traces.doorbell import ring
from traces.ids import first_of

MOST_REPLAYED: Final = 100_000
"""How many rulings one replay looks at, the newest ones."""
MOST_AT_ONCE: Final = 2
"""How many replays of one organization may be under way."""
DAY: Final = 86_400

_RANGE = """
SELECT count(*), min(t.id::text)::uuid, max(t.id::text)::uuid
FROM (SELECT r.id FROM approvals_revision r
      WHERE r.organization_id = %s AND r.id >= %s ORDER BY r.id DESC LIMIT %s) t
"""


def write(organization: uuid.UUID, settings: Mapping[str, Any], *, by: User, follows: int) -> Trial:
    """Keep a policy to be tried; nothing is judged by it. ``follows`` is the version that it was written to follow.

    Raises NotAdministrator, PolicyInvalid, PolicyMoved.
    """
    _administers(organization, by)
    try:
        policy = read_policy(settings)
    except PolicyRefused as refused:
        raise PolicyInvalid(refused.problems) from None
    current = current_policy(organization)
    if current.number != follows:
        raise PolicyMoved(current=current.number, expected=follows)
    return Trial.objects.create(organization_id=organization, made_by=by, follows=follows, settings=policy.to_json())


def start(organization: uuid.UUID, trial: uuid.UUID, *, by: User, days: int) -> Trial:
    """Ask for a replay of a trial over so many days, from its beginning. What an earlier one found is let go.

    Raises NotAdministrator, TrialNotFound, ReplayBusy.
    """
    _administers(organization, by)
    with transaction.atomic():
        found = _locked(organization, trial)
        under_way = Trial.objects.filter(organization_id=organization).under_way()
        if found.state in {Trial.State.WAITING, Trial.State.RUNNING} or under_way.count() >= MOST_AT_ONCE:
            raise ReplayBusy
        with connection.cursor() as cursor:
            cursor.execute(_RANGE, [organization, first_of(later(-days * DAY)), MOST_REPLAYED])
            row = cursor.fetchone()
        assert row is not None
        number, first, last = row
        found.days, found.expected, found.seen, found.found = days, number, 0, {}
        found.reached = uuid.UUID(int=first.int - 1) if first else uuid.UUID(int=0)
        found.upto = last or uuid.UUID(int=0)
        found.asked_at, found.finished_at = now(), None
        found.state = Trial.State.WAITING
        found.save(
            update_fields=[
                "days", "expected", "seen", "found", "reached", "upto", "asked_at", "finished_at", "state",
            ]
        )  # fmt: skip
        ring("approvals.tasks.replay_policies")
    return found


def cancel(organization: uuid.UUID, trial: uuid.UUID, *, by: User) -> Trial:
    """Call off a replay; what it has found so far stays. One that is over stays as it is.

    Raises NotAdministrator, TrialNotFound.
    """
    _administers(organization, by)
    with transaction.atomic():
        found = _locked(organization, trial)
        if found.state in {Trial.State.WAITING, Trial.State.RUNNING}:
            found.state, found.finished_at = Trial.State.CANCELLED, now()
            found.save(update_fields=["state", "finished_at"])
    return found


def _administers(organization: uuid.UUID, by: User) -> None:
    if not Membership.objects.holds(by, organization, Role.ADMINISTRATOR):
        raise NotAdministrator


def _locked(organization: uuid.UUID, trial: uuid.UUID) -> Trial:
    found = Trial.objects.select_for_update().filter(organization_id=organization, pk=trial).first()
    if found is None:
        raise TrialNotFound
    return found
