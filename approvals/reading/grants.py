"""Grants as people are shown them: how far each is used, what ended it, and what one would have let go before.

Reads only. What a grant would have matched is judged on recorded facts, by the same code that judges calls.
"""

import json
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from accounts.models import User
from approvals import binding
from approvals.facts.usage import plain
from approvals.models import Action, Grant
from approvals.policy import Facts
from approvals.policy.grants import Bound, Bounds, Granted, uncovered
from approvals.policy.values import shown
from tools.contract import Contract
from tools.listing import declared_schema
from tools.queries import holds

MOST_ALIKE: Final = 200
"""Calls of the tool that are looked at."""
MOST_LISTED: Final = 200
"""Grants that are listed, the newest ones."""

ENDED: Final = {
    "revoked": "Revoked",
    "expired": "Its time is over",
    "tool_changed": "The tool was changed",
    "maker_may_not": "Its maker may no longer decide",
    "stopped": "A stop was engaged",
    "used_up": "Used up",
}
WORDS: Final = {
    "approve": "Approved by people",
    "reject": "Rejected by people",
    "denied": "Denied by the policy",
    "expired": "Nobody decided in time",
    "withdrawn": "Called off",
    "halted": "Called off",
    "in_review": "Still waits",
}
BY_ITSELF: Final = "Went without a person"

_STANDING = """
SELECT g.id, approvals_grant_ended(g, clock_timestamp()), count(u.id), coalesce(sum(u.amount), 0), clock_timestamp()
FROM approvals_grant g LEFT JOIN approvals_grantuse u ON u.grant_id = g.id AND u.released_at IS NULL
WHERE g.id = ANY (%s) GROUP BY g.id
"""
_LAST = """
SELECT r.facts, a.status, (
    SELECT d.verb FROM approvals_decision d
    WHERE d.action_id = a.id AND d.verb IN ('approve', 'reject') ORDER BY d.id DESC LIMIT 1)
FROM (
    SELECT id, status, revision FROM approvals_action
    WHERE organization_id = %s AND tool_id = %s AND id <> %s AND NOT canary ORDER BY id DESC LIMIT %s) a
JOIN approvals_revision r ON r.action_id = a.id AND r.number = a.revision
"""


@dataclass(frozen=True)
class Line:
    """A grant and how it stands."""

    grant: Grant
    used: int
    spent: str
    total: str
    bounds: tuple[tuple[str, str], ...]
    """Each argument's name, and what it may be in words."""
    ended: str
    """Why it lets nothing go any more, in words; empty while it does."""
    at: datetime
    """When this was seen, by the database's clock."""
    may_revoke: bool


def lines(organization: uuid.UUID, reader: User) -> list[Line]:
    """The newest grants of an organization, those that still let calls go first. Two queries, and one per tool."""
    rows = list(
        Grant.objects.filter(organization_id=organization)
        .select_related("tool", "tool_version", "agent", "initiator", "team", "made_by", "revoked_by", "example")
        .order_by("-id")[:MOST_LISTED]
    )
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [[row.pk for row in rows]])
        standing = {found[0]: found[1:] for found in cursor.fetchall()}
    configures = {tool: holds(reader.pk, tool, "configure_tool") for tool in {row.tool_id for row in rows}}
    found = []
    for row in rows:
        ended, used, spent, at = standing[row.pk]
        full = used >= row.uses or (row.total is not None and spent >= row.total)
        word = ended or ("used_up" if full else "")
        found.append(
            Line(
                grant=row,
                used=used,
                spent=plain(spent),
                total="" if row.total is None else plain(Decimal(row.total)),
                bounds=said(Contract.from_json(row.tool_version.contract), row.bounds),
                ended=ENDED.get(word, word),
                at=at,
                may_revoke=row.revoked_at is None and (row.made_by_id == reader.pk or configures[row.tool_id]),
            )
        )
    return sorted(found, key=lambda line: bool(line.ended))


def said(contract: Contract, bounds: Any) -> tuple[tuple[str, str], ...]:
    """Bounds in words, secrets left out; what cannot be read says so."""
    declared = labels(contract)
    secret = {name.split(".")[0] for name in contract.secret_fields}
    try:
        return tuple(
            (declared.get(bound.argument, bound.argument), _said(bound, hide=bound.argument in secret))
            for bound in (Bound.from_json(one) for one in bounds)
        )
    except (KeyError, TypeError, ValueError):
        return (("", "cannot be read, so it lets nothing go"),)


def labels(contract: Contract) -> dict[str, str]:
    """What the tool calls each of its arguments."""
    properties: dict[str, Any] = declared_schema(contract).get("properties", {})
    return {name: str(one.get("title") or name) if isinstance(one, dict) else name for name, one in properties.items()}


def _said(bound: Bound, *, hide: bool) -> str:
    match bound.bounds:
        case Bounds.EQUALS:
            return "•••" if hide else shown(bound.value, limit=200)
        case Bounds.AT_MOST:
            return f"at most {bound.value}"
        case Bounds.ONE_OF:
            listed = bound.value if isinstance(bound.value, list) else []
            return "one of " + ", ".join(shown(one, limit=80) for one in listed)
        case Bounds.ANYTHING:
            return "anything"
        case Bounds.ABSENT:
            return "left out"


@dataclass(frozen=True)
class Past:
    """What was decided on calls of the past, and how many of those a grant would have let go."""

    words: str
    calls: int
    matched: int


def alike(action: Action, grant: Granted) -> list[Past]:
    """The last calls of the tool, by what was decided on them. One query; facts that cannot be read match nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [action.organization_id, action.tool_id, action.pk, MOST_ALIKE])
        rows = cursor.fetchall()
    calls, matched = Counter[str](), Counter[str]()
    fresh = replace(grant, used=0, spent="0")
    for facts, status, verb in rows:
        words = WORDS.get(verb or status, BY_ITSELF)
        calls[words] += 1
        matched[words] += _matches(facts, fresh)
    return [
        Past(words, calls[words], matched[words])
        for words in dict.fromkeys((*WORDS.values(), BY_ITSELF))
        if calls[words]
    ]


def _matches(facts: str, grant: Granted) -> bool:
    try:
        return not uncovered(grant, Facts.from_json(binding.parsed(facts)))
    except (KeyError, TypeError, ValueError, ArithmeticError, json.JSONDecodeError):
        return False
