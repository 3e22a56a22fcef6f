"""Reads about tools that are asked inside deciding transactions, where no cache will do."""

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection


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


class Engaged(NamedTuple):
    """A kill switch that is engaged: over what kind of thing, over which, and why."""

    scope: str
    target: str
    reason: str


def engaged_over(scopes: Iterable[str]) -> list[Engaged]:
    """The kill switches engaged over any of these scopes, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scope, coalesce(target::text, ''), reason FROM tools_killswitch"
            " WHERE scope_key = ANY(%s) AND released_at IS NULL ORDER BY epoch DESC",
            [list(scopes)],
        )
        return [Engaged(*row) for row in cursor.fetchall()]
