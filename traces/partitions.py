"""The months of the record: made ahead, and of details and model calls dropped once nothing is left in them."""

import logging
from typing import ClassVar, Final

from django.db import connection
from django.db.utils import Error

from traces.exceptions import DomainError

logger = logging.getLogger(__name__)

MONTHS_AHEAD: Final = 3


class PartitionMissing(DomainError):
    """A month of the record has no table of its own.

    What is written in it goes to the table for the rest: nothing is lost, and nothing of it can be dropped by month.
    """

    http_status: ClassVar[int] = 503
    code: ClassVar[str] = "partition_missing"


def make_ahead(months: int = MONTHS_AHEAD) -> int:
    """Make the tables of this month and of those that come; returns how many are new.

    Raises PartitionMissing, with their names, where this month's or the next one's could not be made.
    """
    made, why = 0, ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT traces_make_partitions(%s)", [months])
            row = cursor.fetchone()
            made = int(row[0]) if row else 0
    except Error as error:
        why = str(error).splitlines()[0]
    if without := missing(1):
        raise PartitionMissing(f"There is no table {', '.join(without)}. {why}".strip(), tables=without)
    if why:
        logger.error("a later month of the record could not be made: %s", why)
    return made


def missing(months: int) -> list[str]:
    """The tables that are not there for this month and so many after it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM traces_partitions_missing(%s)", [months])
        return [row[0] for row in cursor.fetchall()]


def drop_old() -> int:
    """Drop past months of details and model calls in which nothing is left; returns how many went."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT traces_drop_partitions()")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
