"""``manage.py permit show|keys|rotate``: read a permit, list the keys that hold, replace the one that signs."""

import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals.models import Permit
from lam_app.environment import WrongSetting
from lam_app.supervisor.keys import OVERLAP_SECONDS, rotate
from lam_app.supervisor.places import arrange
from tools.permits import PermitRefused, public_keys, verify
from tools.text import display


class Command(BaseCommand):
    """Permits and the keys behind them."""

    help = "Read and verify a permit; list the public keys; replace the key that signs."

    def add_arguments(self, parser: CommandParser) -> None:
        """``show``, ``keys`` and ``rotate``."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        show = verbs.add_parser("show", help="what a permit allows, and whether its signature holds")
        show.add_argument("permit", help="the id of a permit or of its action, or the token itself")
        verbs.add_parser("keys", help="the public keys by name, newest first")
        verbs.add_parser(
            "rotate", help="make a new signing key; permits signed under the old one hold until they expire"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """One of the three."""
        if options["verb"] == "show":
            self._show(options["permit"])
        elif options["verb"] == "keys":
            self._keys()
        else:
            self._rotate()

    def _show(self, wanted: str) -> None:
        row = _find(wanted)
        token = row.token if row else wanted
        try:
            claims = verify(token)
        except PermitRefused as refused:
            raise CommandError(f"This is no permit of ours: {refused.message}") from None
        except OSError:
            raise CommandError(
                "There is no public key to verify it with; LAM_PERMIT_PUBLIC_KEY names its file."
            ) from None
        said = claims.to_jwt()
        said |= {name: _moment(said[name]) for name in ("nbf", "exp")}
        self.stdout.write(json.dumps(said, indent=2))
        self.stdout.write("The signature holds.")
        row = row or Permit.objects.filter(id=claims.permit).first()
        if row is None:
            raise CommandError(
                "The record knows no such permit: it was never issued here, and no executor would take it."
            )
        if row.token != token:
            raise CommandError(
                "The record holds another token under this permit's id: no executor would take this one."
            )
        if row.revoked_at is not None:
            self.stdout.write(f"Revoked at {row.revoked_at.isoformat()}: {display(row.revoked_because, one_line=True)}")
        self.stdout.write(f"Its action is {row.action.status}.")

    def _keys(self) -> None:
        try:
            known = public_keys()
        except OSError:
            raise CommandError("There is no public key yet: it is made at the first start.") from None
        for one in known.values():
            state = "signs" if one.retired is None else _retirement(one.retired)
            self.stdout.write(f"{one.kid}  {state}")

    def _rotate(self) -> None:
        places = arrange(Path(settings.LAM_HOME))
        public = Path(settings.LAM_PERMIT_PUBLIC_KEY)
        try:
            if places.moved:
                # Executors read a copy outside the home that they may not enter. It has to know the new key first.
                kid = rotate(Path(settings.LAM_PERMIT_KEY), public, also=places.shared / "permit.pub.pem")
            else:
                kid = rotate(Path(settings.LAM_PERMIT_KEY), public)
        except WrongSetting as wrong:
            raise CommandError(str(wrong)) from None
        except OSError as error:
            raise CommandError(f"The key cannot be replaced by this account: {error}") from None
        self.stdout.write(
            f"{kid} signs from now on. Permits of the key before it hold until they expire; after "
            f"{OVERLAP_SECONDS} s it signs nothing that is believed."
        )


def _find(wanted: str) -> Permit | None:
    try:
        pk = uuid.UUID(wanted)
    except ValueError:
        return None  # a token
    found = (
        Permit.objects.select_related("action").filter(id=pk).first()
        or Permit.objects.select_related("action").filter(action_id=pk).order_by("-id").first()
    )
    if found is None:
        raise CommandError(f"No permit and no permitted action has the id {pk}.")
    return found


def _retirement(at: int) -> str:
    """What a key that is being replaced is still good for."""
    said = "retired at" if at <= time.time() else "its permits hold until"
    return f"{said} {_moment(at)}"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat()
