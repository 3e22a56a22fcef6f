"""Signed messages from other programs, and what people do with the addresses at which they arrive.

The shape is that of Standard Webhooks (``traces.signed``). A message gives the goal that the address's owner wrote,
word for word, as that person; the body comes with it as an attachment, which is nobody's word. The same id gives it
once.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from accounts.actors import person
from accounts.models import Membership, User
from accounts.roles import Role
from accounts.rows import within
from lam_app.attachments.files import Upload, read_all
from lam_app.exceptions import GoalRefused, HookEnded, HookNotFound, MayNotSubmit, NotSigned, TooManyMessages
from lam_app.models import Delivery, Hook, Run
from lam_app.runs import LONGEST_GOAL, submit, words
from traces import signed
from traces.clock import now
from traces.exceptions import DomainError
from traces.ids import uuid7
from traces.services import Actor, Entry, record, refused
from traces.turns import alone

WINDOW: Final = timedelta(minutes=5)
"""How far a message's time may lie from the database's, before and behind."""
MOST_A_MINUTE: Final = 30
MOST: Final = 20
"""Webhooks of one person in an organization that have not ended."""
LONGEST_NAME: Final = 60
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TIME: Final = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Received:
    """The run that a message became; ``again`` where it had become that one before."""

    run: uuid.UUID
    again: bool


def make_hook(*, actor: User, organization: uuid.UUID, name: str, goal: str) -> tuple[Hook, str]:
    """A new address for this person's goal, and the secret for it, which nobody can look up again.

    Raises MayNotSubmit, or GoalRefused for words that do not fit and for more than MOST of one person.
    """
    if not Membership.objects.holds(actor, organization, Role.OPERATOR):
        raise MayNotSubmit
    name, goal = words("name", name, LONGEST_NAME), words("goal", goal, LONGEST_GOAL)
    if not name.isprintable():
        raise GoalRefused("name: it is one line.", errors={"name": "A name is one line."})
    hook = Hook(
        id=uuid7(), organization_id=organization, person=actor, name=name, goal=goal, salt=secrets.token_hex(16)
    )
    with transaction.atomic():
        alone(f"hooks:{actor.pk}")  # of two at once, the second counts the first
        if Hook.objects.filter(organization_id=organization, person=actor, ended_at=None).count() >= MOST:
            message = f"{MOST} webhooks are the most that one person can have here. End one first."
            raise GoalRefused(f"name: {message}", errors={"name": message})
        hook.save(force_insert=True)
        record(_entry(hook, person(actor), "hook_made", {"name": name, "goal": goal}))
    return hook, secret_of(hook.pk, hook.salt)


def renew(*, actor: User, organization: uuid.UUID, hook: uuid.UUID) -> tuple[Hook, str]:
    """Another secret; the one before opens nothing from now on. Raises HookNotFound, HookEnded,
    MayNotSubmit for anybody but its person.
    """
    with transaction.atomic():
        found = _own(actor, organization, hook)
        if found.person_id != actor.pk:
            raise MayNotSubmit("Only the person in whose name it gives goals can have another secret.")
        found.salt = secrets.token_hex(16)
        found.save(update_fields=["salt"])
        record(_entry(found, person(actor), "hook_renewed", {}))
    return found, secret_of(found.pk, found.salt)


def end(*, actor: User, organization: uuid.UUID, hook: uuid.UUID) -> Hook:
    """Take nothing at this address any more. Its person can, and any administrator. Raises HookNotFound, HookEnded."""
    with transaction.atomic():
        found = _own(actor, organization, hook)
        found.ended_at = now()
        found.save(update_fields=["ended_at"])
        record(_entry(found, person(actor), "hook_ended", {}))
    return found


def receive(hook: uuid.UUID, headers: Mapping[str, str], body: bytes) -> Received:
    """A message: the run that it became, now or before.

    Raises NotSigned, alike for an address that is nowhere and for a wrong signature; MayNotSubmit where its person may
    not give goals any more; TooManyMessages; AttachmentRefused for a body that cannot be read.
    """
    message, said_at, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (_ID.fullmatch(message) and _TIME.fullmatch(said_at) and signatures):
        raise NotSigned
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization, salted, at FROM lam_app_hook_home(%s)", [hook])
        row = cursor.fetchone()
    assert row is not None  # the database always answers, with nothing in it for an address that is nowhere
    organization, salt, at = row
    expected = signed.signature(_key(hook, salt or ""), message, said_at, body)
    if not signed.is_among(expected, signatures) or organization is None or not _fresh(int(said_at), at):
        raise NotSigned
    with within(organization):
        return _taken(Hook.objects.within(organization).get(pk=hook), message, body)


def secret_of(hook: uuid.UUID, salt: str) -> str:
    """The secret as its owner is shown it, once."""
    return signed.secret_of(_key(hook, salt))


def _taken(hook: Hook, message: str, body: bytes) -> Received:
    known = Delivery.objects.filter(hook=hook, message=message).first()
    if known is not None:
        return Received(known.run_id, again=True)
    files = read_all([Upload(f"message {message}", body)] if body else [])
    by = Actor("system", hook.pk, "webhook")
    try:
        with transaction.atomic():
            alone(f"hook:{hook.pk}")  # of two at once, the second sees what the first became
            known = Delivery.objects.filter(hook=hook, message=message).first()
            if known is not None:
                return Received(known.run_id, again=True)
            recent = Delivery.objects.filter(hook=hook, created__gt=now() - timedelta(minutes=1))
            if recent.count() >= MOST_A_MINUTE:
                raise TooManyMessages
            run: Run = submit(
                initiator=hook.person,
                organization=hook.organization_id,
                goal=hook.goal,
                attached=files,
                by=by,
                reason=f"Webhook: {hook.name}.",
            )
            Delivery(organization_id=hook.organization_id, hook=hook, message=message, run=run).save(force_insert=True)
    except DomainError as error:
        if error.http_status == 403:
            refused(_entry(hook, by, "refused", {"attempt": "webhook", "code": error.code}, error.message))
        raise
    return Received(run.pk, again=False)


def _key(hook: uuid.UUID, salt: str) -> bytes:
    """Derived, so that there is nothing to keep: whoever has the database has the salt and not the web role's key."""
    own = hashlib.sha256(b"webhook:" + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(own, f"{hook}:{salt}".encode(), "sha256")


def _fresh(said_at: int, at: datetime) -> bool:
    return abs(at.timestamp() - said_at) <= WINDOW.total_seconds()


def _own(actor: User, organization: uuid.UUID, hook: uuid.UUID) -> Hook:
    """A hook that this person may end, held: their own, or any for an administrator."""
    found = Hook.objects.filter(organization_id=organization, pk=hook).select_for_update().first()
    member = Membership.objects.of(actor).filter(organization_id=organization).first()
    if found is None or member is None or (found.person_id != actor.pk and not member.has(Role.ADMINISTRATOR)):
        raise HookNotFound
    if found.ended_at is not None:
        raise HookEnded
    return found


def _entry(hook: Hook, by: Actor, verb: str, detail: dict[str, object], reason: str = "") -> Entry:
    return Entry(
        organization=hook.organization_id,
        actor=by,
        verb=verb,
        subject_kind="hook",
        subject=hook.pk,
        reason=reason,
        detail=detail,
    )
