"""When the person behind a session last gave a password, and what happens to the session when they give it again."""

from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.signals import authentication_step_completed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User


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


@receiver(authentication_step_completed)
def renew(request: HttpRequest, **told: Any) -> None:
    """Whoever signs in again gets a session under a new name: a copy of the old cookie becomes worthless, not fresh."""
    if told.get("reauthenticated"):
        request.session.cycle_key()
