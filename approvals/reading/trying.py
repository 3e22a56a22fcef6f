"""A call that nobody makes: what the gate would say to it, and who could decide. Reads only; nothing is counted."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.db import connection

from approvals.facts import Budget, Gathered, gather, judged
from approvals.facts.approvers import able_to_decide
from approvals.facts.usage import Want, wants
from approvals.policy import DryRun, DryRunState, Origin, PlanState, Policy, Ruling, Usage
from approvals.reading.card import findings_in
from tools.matrix import Holder, holders
from traces.ids import uuid7

SUPPOSED: Final = DryRun(DryRunState.DONE, "supposed here: a call that is only tried is sent nowhere")

_USED = """
SELECT w.key, coalesce(sum(t.used), 0), coalesce(sum(t.amount), 0)
FROM unnest(%(keys)s::text[], %(windows)s::integer[]) AS w(key, seconds)
LEFT JOIN approvals_tally t ON t.organization_id = %(organization)s AND t.key = w.key
    AND t.until > clock_timestamp() - make_interval(secs => w.seconds)
GROUP BY w.key
"""


@dataclass(frozen=True)
class Call:
    """A call as somebody imagines it; `approvals.facts.Asked` in every part."""

    organization: uuid.UUID
    initiator: uuid.UUID
    agent: uuid.UUID
    tool: str
    arguments: Mapping[str, Any]
    confidence: float | None = None
    run: uuid.UUID = field(default_factory=uuid7)
    step: int = 1
    origin: str = "planner"
    budget: Budget = field(default_factory=Budget)
    provenance: tuple[Origin, ...] = ()
    plan: PlanState = PlanState.NONE

    @property
    def principals(self) -> tuple[uuid.UUID, ...]:
        """Whom it would act for."""
        return (self.initiator,)


@dataclass(frozen=True)
class Tried:
    """What would have been."""

    ruling: Ruling
    sentence: str
    """As the card would begin."""
    findings: list[dict[str, Any]]
    """What to look at twice first, then the gravest."""
    arguments: Any
    supposed: bool
    """Whether a dry run is supposed to succeed."""
    deciders: tuple[Holder, ...] = ()
    left_out: tuple[Holder, ...] = ()
    """Who holds the right and may not, because the call is theirs."""


def tried(call: Call, draft: Policy | None = None) -> Tried:
    """Judge an imagined call as things stand now, under the policy in force or under a draft.

    Limits are read and not reserved. Raises Agent.DoesNotExist, PolicyVersion.DoesNotExist, PolicyRefused.
    """
    gathered = gather(call)
    if draft is not None:
        approvers = able_to_decide(call, gathered.tool, draft)
        gathered = replace(gathered, document=draft, facts=replace(gathered.facts, approvers=approvers))
    supposed = gathered.facts.dry_run.state is DryRunState.AWAITED
    if supposed:
        gathered = replace(gathered, facts=replace(gathered.facts, dry_run=SUPPOSED))
    found = judged(gathered, usage_now(gathered))
    ruling = found.ruling
    people: list[Holder] = list(holders(call.organization, gathered.tool.id, "review")) if gathered.tool else []
    return Tried(
        ruling=ruling,
        sentence=found.summary,
        findings=findings_in(ruling.to_json()),
        arguments=found.arguments,
        supposed=supposed,
        deciders=tuple(one for one in people if one.user not in call.principals),
        left_out=tuple(one for one in people if one.user in call.principals),
    )


def usage_now(gathered: Gathered) -> tuple[Usage, ...]:
    """How far each limit is used this moment. One query, and none where no limit is over the call."""
    wanted: tuple[Want, ...] = wants(gathered)
    if not wanted:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(
            _USED,
            {
                "organization": gathered.asked.organization,
                "keys": [want.key for want in wanted],
                "windows": [want.seconds for want in wanted],
            },
        )
        used = {key: amount for key, _calls, amount in cursor.fetchall()}
    return tuple(want.usage(used[want.key]) for want in wanted)
