"""deliver: what is due goes out, at least once and each time under the same id. Nobody waits for it.

A delivery is claimed for LEASE_SECONDS in a transaction of its own, sent outside of any, and marked in another: whoever
dies in between leaves it to be sent again by the next. One sender works at a time, and no longer than it is given, so
that a mail server which hangs keeps one thread busy and nothing else. What fails is tried again later and later, for a
day; a server that is not to be had holds up all mail at once, and its words stand on everybody's settings page.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F

from accounts.models import Membership
from approvals.models import Delivery, NoticeAddress, WebhookKey
from approvals.notices import concerned, post
from approvals.notices.post import Letter, NotSent
from approvals.notices.words import KINDS
from tools.progress import go_on
from traces.clock import later, now

LEASE_SECONDS: Final = 120
"""How long a claim holds: longer than the slowest letter takes."""
PAUSES: Final = (5, 30, 120, 600, 1800, 3600)
"""Seconds between attempts; the last is repeated."""
LONGEST: Final = timedelta(days=1)
"""After this nobody tries any more."""
_ONE_SENDER: Final = 8_146_026
"""The advisory lock of the one who sends."""


def waits() -> bool:
    """Whether something is to be sent now."""
    return Delivery.objects.due().exists()


def deliver(seconds: float = 20) -> int:
    """Send what is due, for about so many seconds. Returns how many were settled one way or the other."""
    until, settled = time.monotonic() + seconds, 0
    with _alone() as ours:
        while ours and time.monotonic() < until and (delivery := _take()) is not None:
            go_on(6 * post.SECONDS)
            settled += _send(delivery)
    return settled


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nobody else sends at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ONE_SENDER])
        row = cursor.fetchone()
    ours = bool(row and row[0])
    try:
        yield ours
    finally:
        if ours and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ONE_SENDER])


def _take() -> Delivery | None:
    """Claim what is due first."""
    with transaction.atomic():
        found = Delivery.objects.due().select_for_update(skip_locked=True).first()
        if found is None:
            return None
        claim: dict[str, Any] = {"claimed_until": later(LEASE_SECONDS), "attempts": F("attempts") + 1}
        Delivery.objects.filter(pk=found.pk).update(**claim)
    return Delivery.objects.select_related("address").get(pk=found.pk)


def _send(delivery: Delivery) -> int:
    """One attempt, and what came of it. Returns 1 where nothing more is to be done about it."""
    address = delivery.address
    letter = _letter(delivery)
    if letter is None:
        return _settle(delivery, Delivery.State.DROPPED)
    try:
        if address.channel == "mail":
            post.mail(letter, address.shown)
        else:
            key = WebhookKey.objects.get(address=address)
            post.webhook(letter, key.url, key.key)
    except NotSent as failed:
        return _failed(delivery, failed)
    _reached(address)
    return _settle(delivery, Delivery.State.SENT)


def _letter(delivery: Delivery) -> Letter | None:
    """What there still is to say to somebody who is still there; None where that is nothing."""
    address = delivery.address
    if address.ended_at is not None or not _there(address):
        return None
    if delivery.trial:
        return Letter(delivery.pk, [], 0, trial=True)
    lines = [line for line in delivery.lines if line["kind"] in KINDS]
    standing = [line for line in lines if _standing(line)]
    if not standing:
        return None
    return Letter(delivery.pk, standing, delivery.count - (len(lines) - len(standing)))


def _there(address: NoticeAddress) -> bool:
    """Whether the address belongs to a team, or to an active member."""
    if address.person_id is None:
        return True
    members = Membership.objects.filter(organization_id=address.organization_id, user_id=address.person_id)
    return members.filter(user__is_active=True).exists()


def _standing(line: dict[str, Any]) -> bool:
    lasts = KINDS[line["kind"]].lasts
    return not lasts or bool(concerned.still(lasts, [uuid.UUID(line["subject"])]))


def _settle(delivery: Delivery, state: Delivery.State, problem: str = "") -> int:
    with transaction.atomic():
        waiting = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING)
        return waiting.update(state=state, problem=problem, settled_at=now(), claimed_until=None)


def _reached(address: NoticeAddress) -> None:
    """It was taken: whatever was wrong there is over, and with it what was wrong with the server for all."""
    well = {"fault": "", "problem": "", "failed_at": None}
    NoticeAddress.objects.filter(pk=address.pk).update(reached_at=now(), **well)
    if address.channel == "mail":
        NoticeAddress.objects.filter(channel="mail", fault=NoticeAddress.Fault.SERVER).update(**well)


def _failed(delivery: Delivery, failed: NotSent) -> int:
    """Note what was wrong, and when to try again; all mail waits where it is the server."""
    at, address = now(), delivery.address
    fault = NoticeAddress.Fault.SERVER if failed.server else NoticeAddress.Fault.ADDRESS
    told = {"fault": fault, "problem": failed.words, "failed_at": at}
    whose = NoticeAddress.objects.filter(ended_at=None)
    whose = whose.filter(channel="mail") if failed.server else whose.filter(pk=address.pk)
    whose.update(**told)
    if delivery.trial or failed.final or at - delivery.created > LONGEST:
        return _settle(delivery, Delivery.State.GIVEN_UP, failed.words)
    again = at + timedelta(seconds=PAUSES[min(delivery.attempts, len(PAUSES)) - 1])
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING, trial=False, due_at__lt=again)
    Delivery.objects.filter(pk=delivery.pk).update(problem=failed.words, claimed_until=None, due_at=again)
    if failed.server:
        waiting.filter(address__channel="mail", claimed_until=None).update(due_at=again)
    else:
        waiting.filter(address=address, claimed_until=None).update(due_at=again)
    return 0
