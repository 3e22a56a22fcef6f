"""Gathering what the policy judges. Reads only; the ruling itself is pure and lives in ``approvals.policy``.

    gather(asked) -> Gathered            what the call is, from the rows as they stand now
    judged(gathered, usage) -> Judged    the same with what its limits say, ruled on

Limits stand apart because they are counted inside the transaction that stages the action
(``approvals.services.reserve``), while everything else is read before it begins.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from approvals import binding
from approvals.facts.approvers import able_to_decide
from approvals.facts.dryrun import dry_run_of
from approvals.facts.history import history_of
from approvals.facts.parties import parties_of, tool_facts
from approvals.facts.scope import resources_named
from approvals.models import PolicyVersion
from approvals.policy import DryRun, Facts, Halt, Origin, PlanState, Policy, Ruling, Usage, read_policy, rule
from tools import registry
from tools.arguments import ArgumentsRefused, normalise
from tools.contract import Contract
from tools.models import Tool, ToolVersion
from tools.queries import barred_over
from tools.scopes import keys_over

MOST_DOCUMENTS = 200
"""How many policies a process keeps read."""

_documents: dict[uuid.UUID, Policy] = {}


@dataclass(frozen=True)
class Budget:
    """What a run has spent so far, as the mind counted it. Frozen data: the gate compares, the mind counts."""

    steps: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)


class Asked(Protocol):
    """The part of a proposal that is judged."""

    @property
    def organization(self) -> uuid.UUID: ...
    @property
    def run(self) -> uuid.UUID: ...
    @property
    def step(self) -> int: ...
    @property
    def origin(self) -> str: ...
    @property
    def initiator(self) -> uuid.UUID: ...
    @property
    def agent(self) -> uuid.UUID: ...
    @property
    def principals(self) -> tuple[uuid.UUID, ...]: ...
    @property
    def tool(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def confidence(self) -> float | None: ...
    @property
    def budget(self) -> Budget: ...
    @property
    def provenance(self) -> tuple[Origin, ...]: ...
    @property
    def plan(self) -> PlanState: ...


@dataclass(frozen=True)
class Gathered:
    """A call with everything that can be known of it before its limits are counted."""

    asked: Asked
    tool: Tool | None
    version: ToolVersion | None
    contract: Contract | None
    policy: PolicyVersion
    document: Policy
    at: datetime  # of the database, when the parties were looked up
    arguments: Any  # normalised: these and no others are shown, hashed and sent
    request: Any  # what prepare() makes of them
    scopes: tuple[str, ...]
    summary: str
    facts: Facts  # without usage

    @property
    def arguments_digest(self) -> str:
        return binding.arguments_digest(self.arguments)


@dataclass(frozen=True)
class Judged:
    """A proposal with everything that was made of it before anybody sees it."""

    tool: Tool | None
    version: ToolVersion | None
    policy: PolicyVersion
    at: datetime  # of the database, when the parties were looked up
    arguments: Any
    request: Any
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
    """The policy in force. Raises PolicyVersion.DoesNotExist where there is none: no policy, no ruling.

    Its document is left in the database until somebody asks for it: `document_of` mostly has read it already.
    """
    return PolicyVersion.objects.filter(organization_id=organization).defer("settings").latest("number")


def document_of(policy: PolicyVersion) -> Policy:
    """What a policy version says. Read once in the life of a process, because a version never changes.

    Raises PolicyRefused where it cannot be read.
    """
    found = _documents.get(policy.pk)
    if found is None:
        found = read_policy(policy.settings)
        if len(_documents) >= MOST_DOCUMENTS:
            _documents.clear()
        _documents[policy.pk] = found
    return found


def gather(asked: Asked, *, dry_run: DryRun | None = None) -> Gathered:
    """Normalise the arguments, prepare the request, gather the facts. Writes nothing.

    ``dry_run`` is what the tool said that it would do, where it has been asked already.
    Raises PolicyVersion.DoesNotExist, Agent.DoesNotExist, PolicyRefused.
    """
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
    document = document_of(policy)
    scopes = keys_over(
        organization=asked.organization,
        agent=asked.agent,
        initiator=asked.initiator,
        run=asked.run,
        tool=tool.id if tool else None,
    )
    parties = parties_of(asked.organization, asked.initiator, asked.agent, tool)
    digest = binding.arguments_digest(arguments)
    facts = Facts(
        policy_version=policy.number,
        halts=tuple(Halt(scope=scope, target=target, reason=why) for scope, target, why in barred_over(scopes)),
        tool=tool_facts(tool, version, contract, arguments),
        arguments=arguments,
        problems=problems,
        initiator=parties.initiator,
        agent=parties.agent,
        confidence=asked.confidence,
        tool_requested=asked.tool,
        resources=resources_named(asked.organization, contract, arguments),
        history=history_of(asked, digest),
        plan=asked.plan,
        provenance=asked.provenance,
        dry_run=dry_run or dry_run_of(asked, contract, version, arguments, digest),
        approvers=able_to_decide(asked, tool, document),
    )
    return Gathered(
        asked=asked,
        tool=tool,
        version=version,
        contract=contract,
        policy=policy,
        document=document,
        at=parties.at,
        arguments=arguments,
        request=request,
        scopes=tuple(scopes),
        summary=summary,
        facts=facts,
    )


def judged(gathered: Gathered, usage: tuple[Usage, ...]) -> Judged:
    """Rule on what was gathered, with how far its limits are used. Pure."""
    facts = replace(gathered.facts, usage=usage)
    return Judged(
        tool=gathered.tool,
        version=gathered.version,
        policy=gathered.policy,
        at=gathered.at,
        arguments=gathered.arguments,
        request=gathered.request,
        scopes=gathered.scopes,
        summary=gathered.summary,
        facts=facts,
        ruling=rule(facts, gathered.document),
    )
