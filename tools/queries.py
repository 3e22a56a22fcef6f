"""Reads about tools: who holds which right, and what is stopped.

`holds`, `tools_with` and `engaged_over` ask the rows; deciding transactions ask nothing else, and statements that have
to judge a stop themselves take its text from here (`engaged_sql` and the two after it). `permitted_tools` is for
pages and lists: it remembers an answer for as long as the organization's number of changes stays the same, which is
read from its row every time. Nothing has to be told to forget, and a right that was taken is gone with the commit.
"""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from django.db import connection

MOST_REMEMBERED: Final = 4096
"""Answers that a process keeps; the one that was asked for longest ago goes first."""
_remembered: OrderedDict[tuple[uuid.UUID, uuid.UUID, str], tuple[int, tuple[uuid.UUID, ...]]] = OrderedDict()
_one_at_a_time = threading.Lock()


def holds(user: uuid.UUID, tool: uuid.UUID, codename: str) -> bool:
    """Whether an active member of the tool's organization holds this permission on the tool, now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM tools_right WHERE user_id = %s AND tool_id = %s AND codename = %s)",
            [user, tool, codename],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def tools_with(user: uuid.UUID, organization: uuid.UUID, codename: str) -> list[uuid.UUID]:
    """The tools of an organization on which a person holds a permission."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tool_id FROM tools_right WHERE user_id = %s AND organization_id = %s AND codename = %s",
            [user, organization, codename],
        )
        return [row[0] for row in cursor.fetchall()]


def permitted_tools(user: uuid.UUID, organization: uuid.UUID, codename: str) -> list[uuid.UUID]:
    """What `tools_with` says, remembered until anybody's rights in the organization change."""
    version = rights_version(organization)
    if version is None:
        return tools_with(user, organization, codename)
    asked = (user, organization, codename)
    with _one_at_a_time:
        known = _remembered.get(asked)
        if known is not None and known[0] == version:
            _remembered.move_to_end(asked)
            return list(known[1])
    # Read after the number: should a right change in between, this is newer than the number it is kept under, and the
    # next question finds another number.
    found = tools_with(user, organization, codename)
    with _one_at_a_time:
        _remembered[asked] = (version, tuple(found))
        _remembered.move_to_end(asked)
        while len(_remembered) > MOST_REMEMBERED:
            _remembered.popitem(last=False)
    return found


def rights_version(organization: uuid.UUID) -> int | None:
    """The number that moves with every change of rights in an organization; None where nobody ever had one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM tools_rightsversion WHERE organization_id = %s", [organization])
        row = cursor.fetchone()
    return row[0] if row else None


class Engaged(NamedTuple):
    """A kill switch that is engaged: over what kind of thing, over which, and why."""

    scope: str
    target: str
    reason: str


def engaged_over(scopes: Iterable[str]) -> list[Engaged]:
    """The kill switches engaged over any of these scopes, newest first: nothing leaves under them."""
    return _over(scopes, eased=True)


def barred_over(scopes: Iterable[str]) -> list[Engaged]:
    """Those of them under which nothing is proposed or decided either: the stops in their first stage."""
    return _over(scopes, eased=False)


def _over(scopes: Iterable[str], *, eased: bool) -> list[Engaged]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scope, coalesce(target::text, ''), reason FROM tools_killswitch"
            " WHERE scope_key = ANY(%s) AND released_at IS NULL AND (%s OR eased_at IS NULL) ORDER BY epoch DESC",
            [list(scopes), eased],
        )
        return [Engaged(*row) for row in cursor.fetchall()]


_OVER = "EXISTS (SELECT 1 FROM tools_killswitch k WHERE k.scope_key = ANY ({row}.scopes) AND {which})"


def engaged_sql(row: str) -> str:
    """As a condition of SQL, about a row with ``scopes``: a stop is engaged over it, and nothing of it leaves."""
    return _OVER.format(row=row, which="k.released_at IS NULL")


def barred_sql(row: str) -> str:
    """A stop over it is in its first stage: nothing is proposed or decided either, and no run goes on."""
    return _OVER.format(row=row, which="k.eased_at IS NULL AND k.released_at IS NULL")


def voided_sql(row: str, epoch: str) -> str:
    """A stop is engaged over it, or was since a permit of this epoch was signed: that voided the permit for good."""
    return _OVER.format(row=row, which=f"(k.released_at IS NULL OR k.epoch > {epoch})")
