"""What came of a tool's last calls, and how far a new one differs from them. Reads only, bounded, one query.

The last ``MOST`` calls that ended are looked at, those before the action alone, so that a card of an old action says
what was usual then. A statement about the past says how many calls it rests on: it never says "never".
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.db import connection

from approvals.models import Action
from approvals.reading.shown import is_secret, targets
from approvals.states import ActionStatus
from tools.contract import Contract
from tools.listing import declared_schema

MOST: Final = 50
"""Calls that are looked at."""
LISTED: Final = 5
"""Calls that are listed."""
ENOUGH: Final = 5
"""Calls from which a range is called usual."""
FAR: Final = 2
"""How many times the largest, or which part of the smallest, counts as far outside."""
_DONE: Final = frozenset({ActionStatus.DONE, ActionStatus.UNDONE})

_LAST = """
WITH last AS (
    SELECT id, summary, status, revision, created FROM approvals_action
    WHERE tool_id = %(tool)s AND organization_id = %(organization)s AND id < %(before)s
      AND status IN ('done', 'failed', 'uncertain', 'undone', 'rejected') AND NOT canary
    ORDER BY id DESC LIMIT %(most)s
)
SELECT last.id, last.summary, last.status, last.created, r.arguments, said.verb, said.username, said.reason
FROM last
JOIN approvals_revision r ON r.action_id = last.id AND r.number = last.revision
LEFT JOIN LATERAL (
    SELECT d.verb, u.username, d.reason FROM approvals_decision d JOIN accounts_user u ON u.id = d.decider_id
    WHERE d.action_id = last.id AND d.verb IN ('approve', 'reject') ORDER BY d.id DESC LIMIT 1
) said ON true
ORDER BY last.id DESC
"""


@dataclass(frozen=True)
class Before:
    """One call of the past: what it was, who decided, how it turned out."""

    id: uuid.UUID
    summary: str
    status: str
    created: Any
    arguments: Mapping[str, Any]
    verb: str | None
    decider: str | None
    reason: str | None


@dataclass(frozen=True)
class Usual:
    """How one value stands to those of the past."""

    note: str = ""
    """What was usual, for a reader who wants to compare."""
    remark: str = ""
    """What is far from usual, in a sentence; empty where nothing is."""
    first: str = ""
    """That this target is not among the last ones; empty where it is, or where that says nothing."""


def last_of(action: Action) -> list[Before]:
    """The last calls of the action's tool that ended before it was proposed, the newest first. One query."""
    if action.tool_id is None:
        return []
    asked: dict[str, Any] = {
        "tool": action.tool_id,
        "organization": action.organization_id,
        "before": action.pk,
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LAST, asked)
        rows = cursor.fetchall()
    return [Before(row[0], row[1], row[2], row[3], json.loads(row[4]), *row[5:]) for row in rows]


def alike(past: list[Before], values: Mapping[str, Any], contract: Contract | None) -> tuple[list[Before], bool]:
    """The last calls for the same recipient or thing; where there is none, the last of the tool. And which it is."""
    fields = targets(contract)
    mine = {(path, _text(value)) for path, value in leaves(values) if path in fields}
    same = [one for one in past if mine & {(path, _text(value)) for path, value in leaves(one.arguments)}]
    return (same or past)[:LISTED], bool(same)


def usual(past: list[Before], values: Mapping[str, Any], contract: Contract | None) -> dict[str, Usual]:
    """How the values stand to those of the calls that were done, by path without places in lists."""
    if contract is None:
        return {}
    done = [dict(_grouped(one.arguments)) for one in past if one.status in _DONE]
    properties = declared_schema(contract).get("properties")
    described: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    found: dict[str, Usual] = {}
    for path, mine in _grouped(values):
        if is_secret(path, contract.secret_fields):
            continue
        before = [value for row in done for value in row.get(path, ())]
        if path in contract.recipient_fields:
            found[path] = _first(mine, before, len(done))
        elif path in targets(contract) or path.endswith("id"):
            continue
        elif _chosen(described.get(path)):
            found[path] = _choice(mine, before)
        elif path == contract.amount_field:
            found[path] = _amount(path, mine, before, done, dict(leaves(values)), contract)
        else:
            found[path] = _number([one for one in mine if not isinstance(one, str)], before)
    return {path: one for path, one in found.items() if one != Usual()}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every innermost value with its path, places in lists left out: ``lines.sku``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def _grouped(values: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for path, value in leaves(values):
        found.setdefault(path, []).append(value)
    yield from found.items()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _first(mine: list[Any], before: list[Any], calls: int) -> Usual:
    known = {_text(value) for value in before}
    if not calls or all(_text(value) in known for value in mine):
        return Usual()
    return Usual(first=f"Not among the last {calls}" if calls > 1 else "Not the one before")


def _chosen(schema: Any) -> bool:
    return isinstance(schema, dict) and ("enum" in schema or schema.get("type") == "boolean")


def _choice(mine: list[Any], before: list[Any]) -> Usual:
    if len(before) < ENOUGH or any(value in before for value in mine):
        return Usual()
    return Usual(remark=f"None of the last {len(before)} calls that were done chose this.")


def _amount(  # noqa: PLR0917
    path: str,
    mine: list[Any],
    before: list[Any],
    done: list[dict[str, list[Any]]],
    values: Mapping[str, Any],
    contract: Contract,
) -> Usual:
    """Amounts are compared with those in the same currency only."""
    if not contract.currency_field:
        return _number(mine, before, contract.currency)
    unit = values.get(contract.currency_field)
    same = [row for row in done if row.get(contract.currency_field, [None]) == [unit]]
    return _number(mine, [value for row in same for value in row.get(path, ())], str(unit or ""))


def _number(mine: list[Any], before: list[Any], unit: str = "") -> Usual:
    numbers = [one for one in map(_decimal, before) if one is not None]
    now = [one for one in map(_decimal, mine) if one is not None]
    if len(numbers) < ENOUGH or not now:
        return Usual()
    low, high, worst = min(numbers), max(numbers), max(now)
    note = f"The last {len(numbers)} had {low} to {high}{f' {unit}' if unit else ''}"
    if worst > high * FAR and high > 0:
        times = (worst / high).quantize(Decimal("0.1"))
        return Usual(note, f"{times} times the largest of the last {len(numbers)} that were done.")
    if 0 < min(now) < low / FAR:
        return Usual(note, f"Less than half of the smallest of the last {len(numbers)} that were done.")
    return Usual(note)


def _decimal(value: Any) -> Decimal | None:
    """A number, or a text that is nothing but one, as amounts are written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value)) if len(str(value)) <= 40 else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None
