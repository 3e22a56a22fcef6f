"""How many rows a list has, as far as anybody wants to know: at most one more than ``CAP``. Reads only."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection

from approvals.queries import ActionQuerySet

CAP: Final = 99
"""Beyond it a count says "at least"."""
_COUNT: Final = "(SELECT count(*) FROM ({}) AS seen)"


def counted(lists: Mapping[str, list[ActionQuerySet]], tools: list[uuid.UUID], crowded: set[str]) -> dict[str, int]:
    """How many rows each of these lists has, at most one more than ``CAP``. One query for all of them."""
    sql, params = counting(lists, tools, crowded)
    return dict(zip(lists, answered(sql, params), strict=True)) if lists else {}


def counting(
    lists: Mapping[str, list[ActionQuerySet]], tools: list[uuid.UUID], crowded: set[str]
) -> tuple[str, list[Any]]:
    """SQL that counts each of these lists, in a column of its own, and its parameters."""
    columns: list[str] = []
    params: list[Any] = []
    for name, rows in lists.items():
        terms = []
        for some in rows:
            try:
                sql, given = _limited(some, tools if name in crowded else [])
            except EmptyResultSet:
                continue
            terms.append(_COUNT.format(sql))
            params += given
        columns.append(" + ".join(terms) or "0")
    return f"SELECT {', '.join(columns)}", params


def answered(sql: str, params: Sequence[Any]) -> list[int]:
    """What such SQL finds."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchone()
    assert found is not None
    return [min(number, CAP + 1) for number in found]


def _limited(rows: ActionQuerySet, tools: list[uuid.UUID]) -> tuple[str, list[Any]]:
    """SQL for the ids of so many rows as a count needs to see.

    Tool by tool they are counted in their order: it is that of an index which begins with the tool, and without it
    another index could be taken, in which a tool with few rows is looked for among everybody's.
    """
    if not tools:
        sql, given = rows.order_by().values("pk")[: CAP + 1].query.sql_with_params()
        return sql, list(given)
    sql, given = rows.each_of(tools, CAP + 1)
    return f"{sql} LIMIT {CAP + 1}", list(given)
