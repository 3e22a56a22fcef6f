"""Whom a canary seems to come from, and how the policy judges it. Reads only; nothing is counted."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q

from accounts.models import Agent, Membership
from accounts.roles import Role
from approvals.facts import Gathered, Judged, gather, judged
from approvals.models import Action
from approvals.policy import DryRunState, Origin
from approvals.reading.trying import SUPPOSED, Call, usage_now
from tools.models import AgentTool, Tool
from tools.queries import holds
from traces.ids import NIL

_ENDED = ("done", "failed", "uncertain", "undone", "rejected")


@dataclass(frozen=True)
class StandIn:
    """A person and an agent in whose names a canary comes. Neither knows of it, and nothing is done for either."""

    initiator: uuid.UUID
    agent: uuid.UUID
    confidence: float | None = None
    stated: float | None = None
    """What the agent said of itself then: a card without it would stand out among cards that have it."""
    behind: tuple[uuid.UUID, ...] = ()
    """For whom else that call acted: whoever has seen the token that it came with, say."""
    considered: tuple[str, ...] = ()
    """Which tools the agent said then that it left aside."""
    planner: bool = False
    """Whether it is the built-in agent, whose requests belong to runs that are shown with a goal."""


def stand_in(tool: Tool) -> StandIn | None:
    """Who asked for the last real call of this tool, where they still may; else anybody who may. None where nobody may.

    An outside agent is preferred: nothing of its runs is known here, so nothing of them has to be made up.
    """
    agents = dict(
        AgentTool.objects.filter(tool=tool, agent__enabled=True)
        .order_by("agent__builtin", "agent_id")
        .values_list("agent_id", "agent__builtin")
    )
    last = (
        Action.objects.filter(tool=tool, status__in=_ENDED, canary=False, agent__in=list(agents))
        .exclude(origin="undo")
        .order_by("agent__builtin", "-id")
        .first()
    )
    if last is not None and holds(last.initiator_id, tool.pk, "use_tool"):
        aside = last.revisions.order_by("number").values_list("considered", flat=True).first() or ()
        return StandIn(
            last.initiator_id,
            last.agent_id,
            last.confidence,
            last.stated_confidence,
            tuple(last.principals),
            tuple(one["tool"] for one in aside),
            agents[last.agent_id],
        )
    if not agents:
        return None
    members = Membership.objects.filter(
        Q(roles__contains=[Role.OPERATOR]), organization_id=tool.organization_id, user__is_active=True
    )
    for user in members.order_by("id").values_list("user_id", flat=True)[:50]:
        if holds(user, tool.pk, "use_tool"):
            agent, builtin = next(iter(agents.items()))
            return StandIn(user, agent, planner=builtin)
    return None


def judged_now(
    tool: Tool, arguments: Mapping[str, Any], whose: StandIn, provenance: tuple[Origin, ...] = ()
) -> tuple[Judged, Gathered]:
    """The ruling on such a call as things stand now, where a dry run is awaited under the supposition that it succeeds;
    and what was gathered, without that. ``provenance`` is where its values seem to come from. Raises as ``gather``."""
    owner = Agent.objects.values_list("owner_id", flat=True).get(pk=whose.agent)
    call = CanaryCall(
        organization=tool.organization_id,
        initiator=whose.initiator,
        agent=whose.agent,
        tool=tool.name,
        arguments=arguments,
        confidence=whose.confidence,
        origin="planner" if whose.planner else "agent",
        provenance=provenance,
        owner=owner,
        behind=whose.behind,
    )
    gathered = gather(call)
    supposed = gathered
    if gathered.facts.dry_run.state is DryRunState.AWAITED:
        supposed = replace(gathered, facts=replace(gathered.facts, dry_run=SUPPOSED))
    return judged(supposed, usage_now(supposed)), gathered


@dataclass(frozen=True)
class CanaryCall(Call):
    """A call that acts, or would, for those for whom the last real one did; where there is none, for the initiator and
    for whoever answers for the agent."""

    owner: uuid.UUID = NIL
    behind: tuple[uuid.UUID, ...] = ()

    @property
    def principals(self) -> tuple[uuid.UUID, ...]:
        """Whom it would act for."""
        return tuple(sorted({self.initiator, *(self.behind or (self.owner,))}))
