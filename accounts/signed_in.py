"""Whether sessions still stand, asked for many at once and without a request: for what stays open after its request.

A session stands while its row is there and not over, nobody has ended its sign-in (``accounts.sessions``), its person
is active and has the password that they signed in with, and belongs to the organization. Signing out, being signed out
by somebody else, a password that was changed and a place that was lost each end it.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from accounts.models import Membership, User
from accounts.sessions import marked, still_open
from traces.clock import now


@dataclass(frozen=True)
class Seat:
    """Who sits at a page that stays open: by which session, as whom, in which organization."""

    session: str
    user: uuid.UUID
    organization: uuid.UUID


def standing(seats: Collection[Seat]) -> dict[Seat, Membership]:
    """Those of these seats that stand at this moment, with the person's place. Four queries and one for the time."""
    rows = Session.objects.filter(session_key__in={seat.session for seat in seats}, expire_date__gt=now())
    sessions: dict[str, dict[str, Any]] = {row.session_key: row.get_decoded() for row in rows}
    signed_in = {key: marked(session)[1] for key, session in sessions.items()}
    open_ones = still_open([one for one in signed_in.values() if one is not None])
    people = User.objects.filter(is_active=True).in_bulk(list({seat.user for seat in seats}))
    places = {
        (one.user_id, one.organization_id): one
        for one in Membership.objects.filter(
            user_id__in=people, organization_id__in={seat.organization for seat in seats}
        )
    }
    found = {}
    for seat in seats:
        person, place = people.get(seat.user), places.get((seat.user, seat.organization))
        if (
            person
            and place
            and signed_in.get(seat.session) in open_ones
            and _is_of(sessions.get(seat.session, {}), person)
        ):
            found[seat] = place
    return found


def _is_of(session: dict[str, Any], person: User) -> bool:
    if session.get(SESSION_KEY) != str(person.pk):
        return False
    kept = session.get(HASH_SESSION_KEY, "")
    hashes = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    return any(constant_time_compare(kept, one) for one in hashes)
