"""Who is signed in where: a row for each signed-in browser, which its person or an administrator may end.

Django keeps the session itself. It holds the id of a row here (``MARK``), and counts for as long as that row is open: a
session without one, or whose row somebody ended, is nobody's from its next request on. So a copy of a cookie is worth
nothing any more once its sign-in was ended, whoever holds it and whatever Django still keeps.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from allauth.account.authentication import get_authentication_records
from allauth.account.signals import authentication_step_completed
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.actors import person
from accounts.exceptions import PasswordAgain
from accounts.models import Membership, SignIn, User
from accounts.rows import within
from traces.ids import NIL
from traces.services import Entry, record

MARK: Final = "sign_in"
"""Where a session keeps whose row it counts by: the organization and the row's id."""
FRESH_SECONDS: Final = 300
"""How long ago a password may have been given where more is at stake than a page."""
AHEAD: Final = timedelta(seconds=60)
"""How far the clock of whoever wrote the moment down may be ahead of this one."""
SEEN_SECONDS: Final = 60
"""How old what stands in ``seen`` may become while the browser is at work."""
_BROWSERS: Final = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "a Mac"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def signed_in_at(request: HttpRequest) -> datetime | None:
    """The moment of the newest password of this session's person; None where the session knows of none."""
    user = request.user
    if not isinstance(user, User):
        return None
    moments = [
        record["at"]
        for record in get_authentication_records(request, user)
        if record.get("method") == "password" and isinstance(record.get("at"), int | float)
    ]
    return datetime.fromtimestamp(max(moments), tz=UTC) if moments else None


def is_fresh(request: HttpRequest) -> bool:
    """Whether this session's person gave a password within FRESH_SECONDS."""
    moment, now = signed_in_at(request), datetime.now(UTC)
    return moment is not None and now - timedelta(seconds=FRESH_SECONDS) <= moment <= now + AHEAD


def freshly(request: HttpRequest) -> None:
    """Go on only where ``is_fresh``. Raises PasswordAgain."""
    if not is_fresh(request):
        raise PasswordAgain


def device_of(agent: str) -> str:
    """A browser as its person would name it, from what it says of itself: `Firefox on Linux`."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if not browser:
        return f"A browser on {system}" if system else "A browser that does not say what it is"
    return f"{browser} on {system}" if system else browser


def sign_in_of(request: HttpRequest) -> uuid.UUID | None:
    """The row that this request's session counts by."""
    return marked(request.session)[1]


def counts(request: HttpRequest) -> bool:
    """Whether this request's session is one that nobody has ended. Writes down, once a minute, that it was seen."""
    organization, found = marked(request.session)
    if organization is None or found is None:
        return False
    mine = SignIn.objects.filter(pk=found, user=cast("User", request.user), ended_at=None)
    late = models.Q(seen__lt=Now() - timedelta(seconds=SEEN_SECONDS))
    with within(organization):
        row = mine.annotate(late=models.ExpressionWrapper(late, models.BooleanField())).values_list("late").first()
        if row == (True,):
            mine.update(seen=Now())
    return row is not None


def end(found: uuid.UUID, *, of: Membership) -> bool:
    """End one of a person's own sign-ins. Returns whether this was the one to end it."""
    return _end(SignIn.objects.filter(pk=found), of=of) == 1


def end_others(kept: uuid.UUID | None, *, of: Membership) -> int:
    """End all of a person's own sign-ins but the one that is kept. Returns how many there were."""
    return _end(SignIn.objects.exclude(pk=kept or NIL), of=of)


def _end(rows: models.QuerySet[SignIn], *, of: Membership) -> int:
    with transaction.atomic():
        ended = rows.filter(user=of.user_id, organization=of.organization_id, ended_at=None).update(
            ended_at=Now(), ended_by=of.user_id
        )
        if ended:
            record(
                Entry(
                    organization=of.organization_id,
                    actor=person(of.user),
                    verb="sessions_ended",
                    subject_kind="member",
                    subject=of.pk,
                    detail={"number": ended, "own": True},
                )
            )
    return ended


def still_open(found: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these sign-ins nobody has ended, whatever organization they are of: for what outlives its request."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_signins_open(%s)", [list(found)])
        return {row[0] for row in cursor.fetchall()}


def marked(session: SessionBase | Mapping[str, Any]) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """The organization and the row that a session counts by; None for both where it has none."""
    mark = session.get(MARK)
    try:
        organization, found = (uuid.UUID(part) for part in mark or ())
    except (TypeError, ValueError):
        return None, None
    return organization, found


@receiver(user_logged_in)
def begin(request: HttpRequest, user: User, **_told: Any) -> None:
    """Whoever signs in has a row for it; who belongs nowhere sees nothing that a row would have to guard."""
    leave(request, user)
    member = Membership.objects.of(user).first()
    request.session.pop(MARK, None)
    if member is None:
        return
    device = device_of(str(getattr(request, "headers", {}).get("User-Agent", "")))
    with within(member.organization_id):
        row = SignIn.objects.create(organization_id=member.organization_id, user=user, device=device)
    request.session[MARK] = [str(member.organization_id), str(row.pk)]


@receiver(user_logged_out)
def leave(request: HttpRequest, user: User | None, **_told: Any) -> None:
    """Whoever signs out has ended that row, so that a copy of the cookie is worth nothing."""
    organization, found = marked(request.session)
    if organization is not None and found is not None and user is not None:
        with within(organization):
            SignIn.objects.filter(pk=found, user=user, ended_at=None).update(ended_at=Now(), ended_by=user)


@receiver(authentication_step_completed)
def renew(request: HttpRequest, **told: Any) -> None:
    """Whoever signs in again gets a session under a new name: a copy of the old cookie becomes worthless, not fresh."""
    if told.get("reauthenticated"):
        request.session.cycle_key()
