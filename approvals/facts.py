"""Gathering what the policy judges. Reads only; the ruling itself is pure and lives in ``approvals.policy``."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from accounts.models import Agent, Membership
from approvals import binding
from approvals.models import PolicyVersion
from approvals.policy import Facts, Halt, Party, Ruling, ToolFacts, rule
from tools import registry
from tools.arguments import ArgumentsRefused, normalise
from tools.contract import Contract, Maturity, Tier
from tools.models import AgentTool, Tool, ToolVersion
from tools.queries import engaged_over, holds
from tools.scopes import keys_over


class Asked(Protocol):
    """The part of a proposal that is judged."""

    @property
    def organization(self) -> uuid.UUID: ...
    @property
    def run(self) -> uuid.UUID: ...
    @property
    def initiator(self) -> uuid.UUID: ...
    @property
    def agent(self) -> uuid.UUID: ...
    @property
    def tool(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def confidence(self) -> float | None: ...


@dataclass(frozen=True)
class Judged:
    """A proposal with everything that was made of it before anybody sees it."""

    tool: Tool | None
    version: ToolVersion | None
    policy: PolicyVersion
    agent_name: str
    arguments: Any  # normalised: these and no others are shown, hashed and sent
    request: Any  # what prepare() makes of them
    scopes: tuple[str, ...]
    summary: str
    facts: Facts
    ruling: Ruling

    @property
    def arguments_digest(self) -> str:
        return binding.arguments_digest(self.arguments)

    @property
    def request_digest(self) -> str:
        return binding.request_digest(self.request)


def current_policy(organization: uuid.UUID) -> PolicyVersion:
    """The policy in force. Raises PolicyVersion.DoesNotExist where there is none: no policy, no ruling."""
    return PolicyVersion.objects.filter(organization_id=organization).latest("number")


def judge(asked: Asked) -> Judged:
    """Normalise the arguments, prepare the request, gather the facts, rule."""
    tool = Tool.objects.select_related("version").filter(organization_id=asked.organization, name=asked.tool).first()
    version = tool.version if tool else None
    contract = Contract.from_json(version.contract) if version else None
    arguments: Any = dict(asked.arguments)
    problems: tuple[tuple[str, str], ...] = ()
    request: Any = {}
    summary = f"Call {asked.tool}"
    if contract is not None:
        try:
            arguments = normalise(contract.arguments_schema, arguments, at="arguments").arguments
            request = registry.connector(contract).prepare(contract, arguments)
        except ArgumentsRefused as refused:
            problems = tuple((p.path, p.message) for p in refused.problems)
        summary = contract.summary_of(arguments)
    policy = current_policy(asked.organization)
    scopes = keys_over(
        organization=asked.organization,
        agent=asked.agent,
        initiator=asked.initiator,
        run=asked.run,
        tool=tool.id if tool else None,
    )
    agent = Agent.objects.get(id=asked.agent, organization_id=asked.organization)
    facts = Facts(
        policy_version=policy.number,
        halts=tuple(Halt(scope=scope, target=target, reason=why) for scope, target, why in engaged_over(scopes)),
        tool=_tool_facts(tool, version, contract),
        arguments=arguments,
        problems=problems,
        initiator=_initiator(asked, tool),
        agent=_agent(agent, tool),
        confidence=asked.confidence,
        tool_requested=asked.tool,
    )
    return Judged(
        tool=tool,
        version=version,
        policy=policy,
        agent_name=agent.name,
        arguments=arguments,
        request=request,
        scopes=tuple(scopes),
        summary=summary,
        facts=facts,
        ruling=rule(facts),
    )


def _tool_facts(tool: Tool | None, version: ToolVersion | None, contract: Contract | None) -> ToolFacts | None:
    if tool is None or version is None or contract is None:
        return None
    return ToolFacts(
        name=tool.name,
        enabled=tool.enabled,
        forbidden=tool.forbidden,
        recommend_only=tool.recommend_only,
        version_hash=version.hash,
        proposed_version_hash=version.hash,
        tier=Tier(tool.tier),
        maturity=Maturity(tool.maturity),
        veto_seconds=tool.veto_seconds,
        categories=contract.categories,
        lifted={category: str(entry["reason"]) for category, entry in tool.lifted.items()},
        idempotency=contract.idempotency.kind,
        reversible=contract.reversible,
    )


def _initiator(asked: Asked, tool: Tool | None) -> Party:
    member = (
        Membership.objects.select_related("user")
        .defer("user__password")  # the worker role may not read it
        .filter(organization_id=asked.organization, user_id=asked.initiator)
        .first()
    )
    if member is None:
        stranger = "somebody of another organization"
        return Party(id=str(asked.initiator), name=stranger, may_use=False, tier=Tier.READ, active=False)
    return Party(
        id=str(member.user_id),
        name=member.user.username,
        may_use=tool is not None and holds(member.user_id, tool.id, "use_tool"),
        tier=Tier(member.tier),
        active=member.user.is_active,
    )


def _agent(agent: Agent, tool: Tool | None) -> Party:
    return Party(
        id=str(agent.id),
        name=agent.name,
        may_use=tool is not None and AgentTool.objects.filter(agent=agent, tool=tool).exists(),
        tier=Tier(agent.tier),
        active=agent.enabled,
    )
