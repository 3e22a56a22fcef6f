"""Checkpoints told to an address outside, signed as Standard Webhooks has it: whoever owns this machine owns its files.

What is told are the lines of the checkpoints' file as they stand there, each with the seal's own signature, in order
and at least once; the message's id is the hash of its lines, so that one that comes twice is known by it. How far it
has come is a row. What fails is tried again later and later, for ever: the page that verifies says since when it fails.
"""

import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Final

from django.conf import settings

from lam_app.environment import WrongSetting
from tools.egress import EgressRefused, target
from tools.wire import Broken, NotWritable, exchange
from traces.clock import later, now
from traces.inquiry import Outlet
from traces.signed import key_of, signature

logger = logging.getLogger(__name__)
SECONDS: Final = 5
"""How long one attempt may take: sealing waits for it."""
MOST_BYTES: Final = 200_000
"""Of one message, about; a single line is always told."""
PAUSES: Final = (5, 30, 120, 600, 1800)
"""Seconds between attempts; the last is repeated."""
LONGEST_PROBLEM: Final = 300


def ready() -> None:
    """Raises WrongSetting where there is an address and no secret to sign with."""
    if settings.LAM_CHECKPOINT_URL and not settings.LAM_CHECKPOINT_SECRET:
        raise WrongSetting("LAM_CHECKPOINT_SECRET", "is needed with LAM_CHECKPOINT_URL, to sign what is told there")


def tell(outside: Path) -> bool:
    """Tell what has not been told yet, one message; whether one was taken. Raises OSError where the file is gone."""
    if not settings.LAM_CHECKPOINT_URL or not outside.exists():
        return False
    outlet, _ = Outlet.objects.get_or_create(pk=1)
    at = now()
    if outlet.due_at is not None and at < outlet.due_at:
        return False
    size = outside.stat().st_size
    begins = outlet.told if outlet.told <= size else 0  # a file that was put back is told from its beginning
    lines = _lines(outside, begins)
    if not lines:
        return False
    one = Outlet.objects.filter(pk=1)
    if problem := _post(lines):
        again = later(PAUSES[min(outlet.attempts, len(PAUSES) - 1)])
        since = outlet.failing_since or at
        one.update(
            attempts=outlet.attempts + 1, failing_since=since, due_at=again, problem=problem, behind=size - begins
        )
        logger.warning("checkpoints were not taken outside", extra={"problem": problem})
        return False
    told = begins + len(lines)
    well = {"attempts": 0, "failing_since": None, "due_at": None, "problem": ""}
    one.update(told=told, told_at=at, behind=size - told, **well)
    return True


def _lines(path: Path, begins: int) -> bytes:
    """Whole lines from this place on: as many as a message takes, and one at least."""
    with path.open("rb") as file:
        file.seek(begins)
        some = file.read(MOST_BYTES)
        if b"\n" not in some:
            some += file.readline()
    return some[: some.rfind(b"\n") + 1]


def _post(lines: bytes) -> str:
    """Send one message; what was wrong, in words, or nothing."""
    url = settings.LAM_CHECKPOINT_URL
    said = {"type": "checkpoints", "data": {"checkpoints": [json.loads(line) for line in lines.splitlines()]}}
    body = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
    name, at = f"checkpoints-{hashlib.sha256(lines).hexdigest()[:32]}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": signature(key_of(settings.LAM_CHECKPOINT_SECRET), name, at, body),
    }
    try:
        where = target(url)
        answer = exchange("POST", url, headers, body, network={where.place}, private={where.place}, seconds=SECONDS)
    except (EgressRefused, NotWritable):
        return "The address cannot be called."
    if isinstance(answer, Broken):
        return answer.text[:LONGEST_PROBLEM]
    return "" if 200 <= answer.status < 300 else f"{where.host} answered {answer.status}."
