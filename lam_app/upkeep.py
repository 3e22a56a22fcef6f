"""What the sweeper does beside its sweeps, a little at a time: months are made ahead, what is too old goes.

Nothing here may hold the sweeps up: a pass takes one slice of what is too old, and looks at erasures once a minute.
What fails is said and begins again, and never keeps the rest from being done.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Final

from django.db import Error

from accounts.models import Organization
from approvals.services.reserve import forget
from lam_app import erasing, keeping
from traces import partitions
from traces.exceptions import DomainError

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 60.0
"""How often erasures are looked at."""


class Upkeep:
    """Where it stands. One sweeper has one; two of them at once do the same work twice, and no harm."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._aging: Iterator[keeping.Forgotten] = iter(())
        self._looked = float("-inf")

    def turn(self) -> None:
        """What is due beside one sweep."""
        today = datetime.now(UTC).date()
        if today != self._day:
            self._day = today
            for part in (partitions.make_ahead, forget, partitions.drop_old):
                _safely(part)
            self._aging = _every()
        _safely(lambda: next(self._aging, None))
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            _safely(erasing.erase_due)


def _every() -> Iterator[keeping.Forgotten]:
    for organization in Organization.objects.order_by("pk").values_list("pk", flat=True):
        yield from keeping.slices(organization)


def _safely(part: Callable[[], object]) -> None:
    """Do it; what goes wrong is in the log, and tomorrow or in a minute it is tried again."""
    try:
        part()
    except DomainError as error:
        logger.critical("%s", error.message)
    except Error:
        logger.exception("upkeep could not finish; it begins again")
