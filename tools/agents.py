"""Agents: registered with an owner who answers for them, a tier ceiling and a list of tools.

Registering is done by whoever runs the installation, as the owner account. An administrator changes what there is,
never an agent that they answer for themselves, except to make it do less. Each change leaves an event. An agent is
never deleted: what it did stays told. Switched off, it proposes nothing, its tokens are refused, and what it has under
way is claimed by nobody, since the claim asks again.
"""

import re
import uuid
from collections.abc import Collection, Mapping
from typing import ClassVar

from django.db import IntegrityError, connection, transaction

from accounts.exceptions import ChangeRefused, NotOfThisOrganization, NotOneself
from accounts.models import Agent, Membership, Organization, User
from accounts.roles import TierLevel
from accounts.standing import administering
from tools.changes import AgentChange
from tools.models import AgentTool, Tool
from traces.exceptions import DomainError
from traces.services import Actor, Entry, record

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?\Z")


class AgentRefused(DomainError):
    """This agent cannot be registered or changed like that."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "schema_invalid"


def register(
    *, organization: Organization, name: str, owner: User, tier: str, tools: Collection[str], by: Actor
) -> Agent:
    """A new outside agent, allowed to propose calls of these tools and no others.

    Raises AgentRefused for a name that is taken or no slug, an owner who is no active member, a tier or a tool that
    there is not.
    """
    if not _NAME.match(name):
        raise AgentRefused("name: small letters, digits, - and _, 64 at the most.")
    if tier not in TierLevel.values:
        raise AgentRefused(f"tier: {tier!r} is not one of {', '.join(TierLevel.values)}.")
    if not Membership.objects.of(owner).filter(organization=organization).exists():
        raise AgentRefused(f"owner: {owner.username} is no active member of {organization.slug}.")
    listed = {tool.name: tool for tool in Tool.objects.filter(organization=organization, name__in=tools)}
    if missing := sorted(set(tools) - set(listed)):
        raise AgentRefused(f"tool: {organization.slug} has no {', '.join(missing)}.")
    try:
        with transaction.atomic():
            agent = Agent.objects.create(organization=organization, name=name, owner=owner, tier=tier)
            AgentTool.objects.bulk_create(AgentTool(agent=agent, tool=tool) for tool in listed.values())
            detail = {"name": name, "owner": owner.username, "tier": tier, "tools": sorted(listed)}
            record(_entry(agent.organization_id, agent.pk, by, "agent_registered", detail))
    except IntegrityError:
        raise AgentRefused(f"name: {organization.slug} has an agent called {name} already.") from None
    return agent


def switch_off(agent: Agent, *, by: Actor, reason: str) -> bool:
    """Switch an agent off, at once and for all it has under way. Returns whether this was the call that did it.

    Raises AgentRefused for the built-in one, which is stopped with a stop, and for a missing reason.
    """
    if agent.builtin:
        raise AgentRefused(f"{agent.name} is the built-in planner: engage a stop over it instead.")
    if not reason.strip():
        raise AgentRefused("reason: say why.")
    with transaction.atomic():
        if not Agent.objects.filter(pk=agent.pk, enabled=True).update(enabled=False):
            return False
        record(
            _entry(
                agent.organization_id, agent.pk, by, "agent_switched_off", {"name": agent.name}, reason=reason.strip()
            )
        )
    return True


def change(agent: Agent, what: str, *, value: str = "", tool: Tool | None = None, by: User, reason: str) -> bool:
    """Change an agent in an administrator's name: a word of ``AgentChange.What``. Returns whether it was one.

    ``value`` is the tier or the id of the new owner, ``tool`` what is listed or not any more. Raises MayNotAdminister,
    NotOneself for an agent of one's own that would be let do more, ChangeRefused, NotOfThisOrganization.
    """
    with administering(
        "agent_set", by=by, organization=agent.organization_id, about=("agent", agent.pk), reason=reason
    ) as tell:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"agent:{agent.pk}"])
        now = Agent.objects.get(pk=agent.pk)
        _may(now, what, value, by)
        before, after = _columns(now, what, value, tool)
        if before == after:
            return False
        said = {"before": before, "after": after} if what in {"tier", "owner"} else {}
        tell(name=now.name, what=what, **({"tool": tool.name} if tool else {}), **said)
        AgentChange.objects.create(
            organization_id=now.organization_id, agent=now, what=what, tool=tool, by=by, reason=reason.strip(), **said
        )
    return True


def _may(agent: Agent, what: str, value: str, by: User) -> None:
    if what not in AgentChange.What.values:
        raise ChangeRefused(f"what: there is no {what}.")
    if what == "tier" and value not in TierLevel.values:
        raise ChangeRefused(f"tier: there is no {value}.", errors={"tier": "Choose one."})
    if agent.builtin and what in {"on", "off"}:
        raise ChangeRefused(f"{agent.name} is the built-in planner: engage a stop over it instead.")
    own = agent.owner_id == by.pk or (what == "owner" and value == str(by.pk))
    if own and what not in {"unlist", "off"}:
        raise NotOneself


def _columns(agent: Agent, what: str, value: str, tool: Tool | None) -> tuple[str, str]:
    """How it is, and how it would be."""
    if what == "tier":
        return agent.tier, value
    if what == "owner":
        members = Membership.objects.filter(organization=agent.organization_id, user__is_active=True)
        if not members.filter(user_id=uuid.UUID(value)).exists():
            raise NotOfThisOrganization
        return str(agent.owner_id), value
    if what in {"on", "off"}:
        return ("on" if agent.enabled else "off"), what
    if tool is None or tool.organization_id != agent.organization_id:
        raise NotOfThisOrganization
    return ("list" if AgentTool.objects.filter(agent=agent, tool=tool).exists() else "unlist"), what


def _entry(  # noqa: PLR0917
    organization: uuid.UUID, agent: uuid.UUID, by: Actor, verb: str, detail: Mapping[str, object], reason: str = ""
) -> Entry:
    return Entry(
        organization=organization,
        actor=by,
        verb=verb,
        subject_kind="agent",
        subject=agent,
        reason=reason,
        detail=detail,
    )
