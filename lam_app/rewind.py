"""A database that is older than what this installation has already seen: a backup was put back, and effects that were
made since are unknown to it.

What the product has last seen is noted outside of the database, in ``LAM_HOME/run/mark.json``: the newest event and the
newest row of the ledger. The sweeper notes it after every pass. At the start, before any executor, both are looked for
again. Events and ledger rows are never deleted, so one that is missing means that the past was exchanged.

Then everything is stopped. Nothing leaves: not what was permitted, which is halted, and not what was claimed, which
goes to a person. The stop is lifted by a person, in two stages, once the other side has been looked at. What came and
went between two passes of the sweeper is the one thing that cannot be seen to be missing. Put a backup back while the
product is stopped: it looks when it starts.
"""

import json
import logging
import os
import uuid
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from tools.killswitch import stop_everything
from tools.models import KillSwitch
from traces.services import Actor

logger = logging.getLogger(__name__)
KEEPER: Final = "quarantine"
"""Who answers for the stop: an account that nobody can sign in with, so that any person is a second one."""
SEEN: Final = {"event": "traces_event", "execution": "tools_execution"}
"""What is noted, and in which table it stands."""


def mark() -> Path:
    """The file that remembers. It belongs to no backup of the database."""
    return Path(settings.LAM_HOME) / "run" / "mark.json"


def note() -> bool:
    """Write down what has been seen, if that changed. A file that cannot be written stops nothing, and is logged."""
    now = {name: _newest(table) for name, table in SEEN.items()}
    place = mark()
    try:
        if now == _read(place):
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(".new")
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump(now, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(place)
    except OSError:
        logger.exception("what was seen could not be noted outside of the database")
        return False
    return True


def missing() -> str:
    """What this installation has seen and its database does not hold; empty where nothing is missing.

    A database without a single event was just made: there is nothing in it that could be done twice.
    """
    place = mark()
    if not place.exists() or not _newest("traces_event"):
        return ""
    seen = _read(place)
    if seen is None:
        return f"What was last seen cannot be read ({place.name}), so nobody knows how old this database is."
    for name, table in SEEN.items():
        if seen.get(name) and not _holds(table, str(seen[name])):
            return f"This database is older than what was already done: it does not hold the {name} {seen[name]}."
    return ""


def quarantine() -> str:
    """Stop everything if the past was exchanged, once; returns why, or nothing. Call it before any executor starts."""
    why = missing()
    if why:
        with transaction.atomic():
            keeper, _ = User.objects.get_or_create(username=KEEPER, defaults={"is_active": False, "password": "!"})
            if not KillSwitch.objects.filter(engaged_by=keeper, released_at=None).exists():
                reason = f"Quarantine: a backup was put back. {why} Look at the other side before this is lifted."
                stop_everything(by=Actor.system("quarantine"), answerable=keeper, reason=reason)
    note()
    return why


def _newest(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1")  # noqa: S608 - one of two names above
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _holds(table: str, pk: str) -> bool:
    """Whether the row is there. What is no identifier is nowhere."""
    try:
        wanted = uuid.UUID(pk)
    except ValueError:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s", [wanted])  # noqa: S608 - as above
        return cursor.fetchone() is not None


def _read(place: Path) -> dict[str, str] | None:
    """What the file says; None where it says nothing that we wrote."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None
