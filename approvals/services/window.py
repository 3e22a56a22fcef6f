"""How long people have to decide, when the end of that time is near, and how much more of it they may give."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from approvals.models import Action
from approvals.policy import Ruling
from tools.contract import Contract

MOST_EXTENSIONS: Final = 2
"""How often people may give themselves more time; the database counts too."""
HORIZON: Final = timedelta(days=30)
"""Nothing waits for longer than this after it was proposed, however often it is extended."""
NEAR: Final = timedelta(minutes=5)
LEAST_NEAR: Final = timedelta(minutes=1)


def review_seconds(ruling: Ruling) -> int:
    """How long people have from the moment that this is before them: what the rules say, or the installation."""
    return ruling.expires_seconds or settings.LAM_REVIEW_SECONDS


def near(seconds: int) -> timedelta:
    """Which part at the end of a window of so many seconds is its last: its fifth, from one minute to five."""
    return max(LEAST_NEAR, min(NEAR, timedelta(seconds=seconds) / 5))


def running_out(action: Action, seconds: int, at: datetime) -> bool:
    """Whether the last part of the time to decide has begun, and is not over."""
    return action.status == "in_review" and timedelta() < action.expires_at - at <= near(seconds)


def extended_until(action: Action, seconds: int, contract: Contract | None) -> datetime:
    """Until when an action waits if people give it more time: its window once more, within the horizon.

    Of a keyed tool the key's own life bounds it too, counted from the proposal: what waits for longer than the other
    side remembers a key would be sent under one that no longer protects it.
    """
    horizon = HORIZON
    if contract is not None and contract.idempotency.lifetime:
        horizon = min(horizon, timedelta(seconds=contract.idempotency.lifetime))
    return min(action.expires_at + timedelta(seconds=seconds), action.created + horizon)
