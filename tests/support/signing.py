"""Signed messages as another program sends them, and as an intruder would like to."""

from __future__ import annotations

import base64
import hmac
import time
from typing import Any

from django.test import Client

from lam_app.hooks import make_hook
from lam_app.models import Hook
from tests.support.api import account
from tests.support.world import World

GOAL = "Write a note about order 1009: the shop says that something changed"


def hook_of(world: World, name: str = "shop", *, by: str = "operator") -> tuple[Hook, str]:
    """A webhook of that person, and its secret."""
    return make_hook(actor=world.people[by], organization=world.organization.id, name=name, goal=GOAL)


def signed(secret: str, body: bytes, *, message: str = "msg_1", at: int | None = None) -> dict[str, str]:
    """The three headers for a body."""
    said_at = str(int(time.time()) if at is None else at)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{message}.{said_at}.".encode() + body, "sha256")
    return {
        "webhook-id": message,
        "webhook-timestamp": said_at,
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def post(hook: Any, headers: dict[str, str], body: bytes = b"", *, kind: str = "application/json") -> Any:
    """Send it, as the web account answers it."""
    with account("web"):
        return Client(enforce_csrf_checks=True).generic("POST", f"/hooks/{hook}/", body, kind, headers=headers)


def delivered(hook: Hook, secret: str, body: bytes = b"", **said: Any) -> Any:
    """A message that is signed as it should be."""
    return post(hook.pk, signed(secret, body, **said), body)
