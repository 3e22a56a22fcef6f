"""What a new installation begins with, and what the demo adds. Run by the owner role; safe to run at every start."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db import transaction
from guardian.shortcuts import assign_perm

from accounts.models import Agent, Membership, Organization, Team, User
from accounts.roles import Role, TierLevel
from approvals.models import PolicyVersion
from tools import registry
from tools.contract import Contract
from tools.exceptions import LookAlike
from tools.models import AgentTool, Tool, ToolVersion
from tools.text import skeleton
from traces.services import Actor, Entry, record

SETUP = Actor.system("setup")


@dataclass(frozen=True)
class Person:
    """A demo user, named after what they are."""

    name: str
    roles: tuple[Role, ...]
    tier: TierLevel = TierLevel.READ


DEMO = (
    Person("operator", (Role.OPERATOR,), TierLevel.WRITE),
    Person("reviewer", (Role.REVIEWER,)),
    Person("reviewer2", (Role.REVIEWER,)),
    Person("administrator", (Role.ADMINISTRATOR,), TierLevel.ADMIN),
    Person("auditor", (Role.AUDITOR,)),
    Person("developer", (Role.DEVELOPER,)),
)
OUTSIDERS = (Person("outsider", (Role.OPERATOR, Role.REVIEWER, Role.ADMINISTRATOR, Role.AUDITOR), TierLevel.WRITE),)


def seed(*, demo: bool, password: str | None) -> None:
    """Bring every organization's catalogue up to date; with ``demo``, make the demo's organizations and people first.

    ``password`` is set on demo users that have none yet or another one. Without the demo nothing is made up: people and
    organizations are an administrator's to create.
    """
    with transaction.atomic():
        if demo:
            if not password:
                raise ValueError("the demo's people need a password")
            _organization("demo", "Demo", DEMO, password)
            _organization("elsewhere", "Elsewhere", OUTSIDERS, password)
        for organization in Organization.objects.all():
            offer_installed_tools(organization)


def create_organization(slug: str, name: str) -> Organization:
    """A new organization with its first policy and the teams that its tools are offered to."""
    organization, new = Organization.objects.get_or_create(slug=slug, defaults={"name": name})
    if new:
        PolicyVersion.objects.create(organization=organization, number=1, reason="The first policy: deny by default.")
        for team in ("operators", "reviewers"):
            group, _ = Group.objects.get_or_create(name=f"{slug}/{team}")
            Team.objects.create(organization=organization, group=group, name=team)
        _tell(organization.id, "organization_created", "organization", organization.id, {"slug": slug})
    return organization


def create_person(
    organization: Organization, name: str, *, roles: tuple[str, ...], tier: str, password: str | None
) -> User:
    """A person with a place in the organization and in the team of each role that has one."""
    user, new = User.objects.get_or_create(username=name)
    if password and not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    Membership.objects.get_or_create(
        organization=organization, user=user, defaults={"roles": [str(r) for r in roles], "tier": tier}
    )
    for role, team in ((Role.OPERATOR, "operators"), (Role.REVIEWER, "reviewers")):
        if role in roles:
            user.groups.add(Team.objects.get(organization=organization, name=team).group)
    if new:
        _tell(organization.id, "member_added", "user", user.id, {"name": name, "roles": sorted(roles)})
    return user


def offer_installed_tools(organization: Organization) -> None:
    """Every installed Python tool in the catalogue, in the loop; a changed contract becomes the next version."""
    for contract in registry.contracts():
        offer(organization, contract)


def offer(organization: Organization, contract: Contract) -> Tool:
    """Put a tool into an organization's catalogue, or its new version on offer.

    Raises ContractRefused for a contract that does not hold, LookAlike for a name that people may take for another's.

    New tools start in the loop: usable by the organization's operators and its built-in agent, reviewable by its
    reviewers.
    """
    contract.validate()
    for other in (
        Tool.objects.filter(organization=organization).exclude(name=contract.name).values_list("name", flat=True)
    ):
        if skeleton(other) == skeleton(contract.name):
            raise LookAlike(f"{contract.name} may be taken for {other}, which is in the catalogue.", name=other)
    tool, new = Tool.objects.get_or_create(
        organization=organization, name=contract.name, defaults={"tier": contract.tier.value}
    )
    current = tool.version
    if current is None or current.hash != contract.version_hash() or current.contract != contract.to_json():
        number = (current.number if current else 0) + 1
        tool.version = ToolVersion.objects.create(
            organization=organization,
            tool=tool,
            number=number,
            hash=contract.version_hash(),
            contract=contract.to_json(),
        )
        tool.save(update_fields=["version"])
        _tell(
            organization.id,
            "tool_version",
            "tool",
            tool.id,
            {"name": tool.name, "number": number, "hash": tool.version.hash},
        )
    if new:
        teams = {t.name: t.group for t in Team.objects.filter(organization=organization).select_related("group")}
        if "operators" in teams:
            assign_perm("use_tool", teams["operators"], tool)
        if "reviewers" in teams:
            assign_perm("review_tool", teams["reviewers"], tool)
            assign_perm("stop_tool", teams["reviewers"], tool)
        agent = Agent.objects.filter(organization=organization, builtin=True).first()
        if agent is not None:
            AgentTool.objects.get_or_create(agent=agent, tool=tool)
    return tool


def _organization(slug: str, name: str, people: tuple[Person, ...], password: str) -> None:
    organization = create_organization(slug, name)
    members = [create_person(organization, p.name, roles=p.roles, tier=p.tier, password=password) for p in people]
    Agent.objects.get_or_create(
        organization=organization,
        builtin=True,
        defaults={"name": "planner", "owner": members[0], "tier": TierLevel.WRITE},
    )


def _tell(organization: uuid.UUID, verb: str, kind: str, subject: uuid.UUID, detail: dict[str, object]) -> None:
    record(Entry(organization=organization, actor=SETUP, verb=verb, subject_kind=kind, subject=subject, detail=detail))
