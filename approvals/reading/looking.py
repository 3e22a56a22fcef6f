"""For how long somebody has had a card before them: a token that comes with the card and goes back with the decision.

The card is not written down when it is shown. Its form carries the moment, signed for that revision and that person,
so that a decision can say how old the page was; nobody can make a page older than it is. A page that was really left
open is as old as it says, which is as far as any page can know.
"""

import json
import time
import uuid
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

FIELD: Final = "card"
"""The name of the form's field."""
LONGEST: Final = 30 * 86_400.0
"""Seconds; a page that is older says nothing about reading."""


def token(digest: str, reader: uuid.UUID, *, at: float | None = None) -> str:
    """The token of a card that is shown now, of this revision to this person. ``at`` is in seconds since 1970."""
    moment = round((time.time() if at is None else at) * 1000)
    return f"{moment}.{_proof(moment, digest, reader)}"


def seconds(said: str, digest: str, reader: uuid.UUID) -> float | None:
    """How many seconds ago this person was shown the revision; None where the token is no word of ours."""
    moment, _, proof = said.partition(".")
    if not (moment.isascii() and moment.isdecimal() and len(moment) <= 15):
        return None
    if not constant_time_compare(proof, _proof(int(moment), digest, reader)):
        return None
    return min(LONGEST, max(0.0, time.time() - int(moment) / 1000))


def kept(said: str, digest: str, reader: uuid.UUID) -> str:
    """The token that a page has already, where it is ours; else a new one. What is drawn anew is no older a page."""
    return token(digest, reader) if seconds(said, digest, reader) is None else said


def _proof(moment: int, digest: str, reader: uuid.UUID) -> str:
    return salted_hmac(__name__, json.dumps([moment, digest, str(reader)]), algorithm="sha256").hexdigest()
