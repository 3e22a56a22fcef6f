"""What the gate knows of a tool's readiness: its limits, who could review it, and what came of its calls. Reads only.

``tools.readiness`` and ``tools.evidence`` ask; ``approvals.apps`` introduces us to them when the product starts.
"""

import uuid
from collections.abc import Mapping, Sequence

from django.db import connection

from approvals.facts import current_policy, document_of
from approvals.models import PolicyVersion
from approvals.policy import PolicyRefused
from approvals.policy.document import Counts, Limit, Policy, Selector
from tools.evidence import NEWEST, Evidence
from tools.kinds import Tier
from tools.readiness import Said, Subject
from tools.wording import counted

SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
SHOWN = 3
"""Names that a line of the list holds."""

_APPROVERS = """
SELECT r.tool_id, array_agg(DISTINCT u.username ORDER BY u.username)
FROM tools_right r JOIN accounts_user u ON u.id = r.user_id
WHERE r.codename = 'review_tool' AND r.organization_id = %s AND r.tool_id = ANY (%s) GROUP BY r.tool_id
"""
_CAME_OF = """
SELECT t.id, count(a.id),
       count(*) FILTER (WHERE a.yes OR a.no), count(*) FILTER (WHERE a.yes AND a.revision = 1),
       count(*) FILTER (WHERE a.yes AND a.revision > 1), count(*) FILTER (WHERE a.no),
       count(*) FILTER (WHERE a.status IN ('failed', 'uncertain'))
FROM unnest(%s::uuid[]) AS t(id) CROSS JOIN LATERAL (
    SELECT a.id, a.status, a.revision, a.status = 'rejected' AS no, a.status <> 'rejected' AND EXISTS (
        SELECT 1 FROM approvals_decision d WHERE d.action_id = a.id AND d.verb = 'approve') AS yes
    FROM approvals_action a
    WHERE a.tool_id = t.id AND a.organization_id = %s
      AND a.status IN ('done', 'failed', 'uncertain', 'undone', 'rejected') AND NOT a.canary
    ORDER BY a.id DESC LIMIT %s) a
GROUP BY t.id
"""


def limits(organization: uuid.UUID, subjects: Sequence[Subject]) -> Mapping[uuid.UUID, Said]:
    """Whether the policy in force limits all calls of a tool, whoever makes them."""
    try:
        policy = document_of(current_policy(organization))
    except (PolicyRefused, PolicyVersion.DoesNotExist):
        return {}
    return {subject.tool.pk: _limited(subject, policy) for subject in subjects}


def approvers(organization: uuid.UUID, subjects: Sequence[Subject]) -> Mapping[uuid.UUID, Said]:
    """Whether anybody could review, veto and hold a tool's calls."""
    with connection.cursor() as cursor:
        cursor.execute(_APPROVERS, [organization, [subject.tool.pk for subject in subjects]])
        names: dict[uuid.UUID, list[str]] = dict(cursor.fetchall())
    return {subject.tool.pk: _reviewed(names.get(subject.tool.pk, [])) for subject in subjects}


def came_of(organization: uuid.UUID, tools: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Evidence]:
    """What the newest settled calls of each tool came to; tools without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_CAME_OF, [list(tools), organization, NEWEST])
        return {row[0]: Evidence(*row[1:]) for row in cursor.fetchall() if row[1]}


def _limited(subject: Subject, policy: Policy) -> Said:
    found = [_in_words(limit) for limit in policy.limits_for(subject.tool.name) if _covers(limit.about, subject)]
    if not found:
        return Said(False, "No limit of the policy covers all of its calls")
    return Said(True, "; ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else ""))


def _covers(about: Selector, subject: Subject) -> bool:
    """Whether an entry is about every call of a tool: one that names people or agents leaves the others out."""
    contract = subject.contract
    return (
        contract is not None
        and not about.agents
        and not about.initiators
        and (not about.tools or subject.tool.name in about.tools)
        and (not about.categories or not about.categories.isdisjoint(contract.categories))
        and (not about.tiers or Tier(subject.settings["tier"]) in about.tiers)
    )


def _in_words(limit: Limit) -> str:
    seconds = limit.seconds
    span = next((name for size, name in SPANS if seconds == size), "")
    for size, name in SPANS:
        if not span and seconds % size == 0:
            span = f"{seconds // size} {name}s"
    most = f"{limit.most:f} {limit.unit}" if limit.counts is Counts.AMOUNT else counted(limit.most)
    return f"{most} {'each' if ' ' in span else 'a'} {span or f'{seconds} s'}".replace(" a hour", " an hour")


def _reviewed(names: Sequence[str]) -> Said:
    if not names:
        return Said(False, "Nobody may review it, so nobody could hold or veto a call")
    people = "1 person" if len(names) == 1 else f"{len(names)} people"
    return Said(True, f"{people}: {', '.join(names[:SHOWN])}{' …' if len(names) > SHOWN else ''}")
