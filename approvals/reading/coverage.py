"""What nothing in the policy covers: tools without a rule, a limit, a reviewer or an owner, and what nobody could
decide. Reads only, with a number of queries that does not grow with the tools."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import connection

from approvals.models import Action
from approvals.policy import Policy
from approvals.policy.document import DialException, Limit, Rule, Selector
from tools.contract import Contract
from tools.kinds import Category, Tier
from tools.models import Tool

MOST_KINDS: Final = 50

_REVIEWERS = """
SELECT r.tool_id, count(DISTINCT r.user_id) FROM tools_right r
WHERE r.organization_id = %s AND r.codename = 'review_tool' GROUP BY r.tool_id
"""
_UNROUTABLE = """
SELECT a.tool_name, a.unroutable, count(*), min(a.created) FROM approvals_action a
WHERE a.organization_id = %s AND a.status = 'in_review' AND a.unroutable <> ''
GROUP BY a.tool_name, a.unroutable ORDER BY count(*) DESC, a.tool_name LIMIT %s
"""


@dataclass(frozen=True)
class Covered:
    """One tool and what covers it."""

    tool: Tool
    rules: int
    limits: int
    exceptions: int
    reviewers: int
    owner: str

    @property
    def gaps(self) -> int:
        """How many of rule, limit, reviewer and owner are missing."""
        return [self.rules, self.limits, self.reviewers, bool(self.owner)].count(0)


@dataclass(frozen=True)
class Unroutable:
    """Waiting actions of one tool that nobody could decide, and why."""

    tool: str
    why: str
    number: int


def coverage(organization: uuid.UUID, policy: Policy) -> list[Covered]:
    """Every tool that is switched on, those with most gaps first. What merely reads needs neither rule nor limit."""
    tools = Tool.objects.filter(organization_id=organization, enabled=True).select_related("version", "owner")
    with connection.cursor() as cursor:
        cursor.execute(_REVIEWERS, [organization])
        reviewers = dict(cursor.fetchall())
    found = [
        Covered(
            tool=tool,
            rules=_over(policy.rules_for(tool.name), tool, touches),
            limits=_over(policy.limits_for(tool.name), tool, touches),
            exceptions=_over(policy.exceptions_for(tool.name), tool, touches),
            reviewers=reviewers.get(tool.pk, 0),
            owner=tool.owner.username if tool.owner else "",
        )
        for tool in tools
        for touches in [_touches(tool)]
    ]
    return sorted(found, key=lambda one: (-one.gaps, one.tool.name))


def unroutable(organization: uuid.UUID) -> list[Unroutable]:
    """What waits for people who are not there, by tool and reason."""
    with connection.cursor() as cursor:
        cursor.execute(_UNROUTABLE, [organization, MOST_KINDS])
        return [Unroutable(tool, why, number) for tool, why, number, _ in cursor.fetchall()]


def waiting(organization: uuid.UUID) -> int:
    """How many actions nobody could decide."""
    return Action.objects.within(organization).unroutable().count()


def _touches(tool: Tool) -> frozenset[Category]:
    return Contract.from_json(tool.version.contract).categories if tool.version else frozenset()


def _over(entries: Iterable[Rule | Limit | DialException], tool: Tool, categories: frozenset[Category]) -> int:
    return sum(1 for entry in entries if _may_fit(entry.about, tool, categories))


def _may_fit(about: Selector, tool: Tool, categories: frozenset[Category]) -> bool:
    """Whether an entry may be about calls of a tool, whoever makes them."""
    return (
        (not about.tools or tool.name in about.tools)
        and (not about.categories or not about.categories.isdisjoint(categories))
        and (not about.tiers or Tier(tool.tier) in about.tiers)
    )
