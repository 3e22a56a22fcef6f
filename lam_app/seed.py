"""What a new installation begins with, and what the demo adds. Run by the owner role; safe to run at every start."""

import uuid
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Agent, Membership, Organization, Team, User
from accounts.roles import Role, TierLevel
from accounts.standing import ROLE_TEAMS, create_teams
from approvals.models import PolicyVersion
from lam_app.demo import FROM_THE_OFFICE, ITS_ORGANIZATION, bring_office
from tools.dial import SETUP
from tools.models import Tool
from tools.offering import grant_defaults, offer_installed_tools
from traces.services import Entry, record


@dataclass(frozen=True)
class Person:
    """A demo user, named after what they are."""

    name: str
    roles: tuple[Role, ...]
    tier: TierLevel = TierLevel.READ


DEMO = (
    Person("operator", (Role.OPERATOR,), TierLevel.DELETE),
    Person("reviewer", (Role.REVIEWER,)),
    Person("reviewer2", (Role.REVIEWER,)),
    Person("administrator", (Role.ADMINISTRATOR,), TierLevel.ADMIN),
    Person("auditor", (Role.AUDITOR,)),
    Person("developer", (Role.DEVELOPER,)),
)
OUTSIDERS = (Person("outsider", (Role.OPERATOR, Role.REVIEWER, Role.ADMINISTRATOR, Role.AUDITOR), TierLevel.WRITE),)


def seed(*, demo: bool, password: str | None, office: str = "") -> None:
    """Bring every organization's catalogue up to date; with ``demo``, make the demo's organizations and people first.

    ``password`` is set on demo users that have none yet or another one. ``office`` is where the demo's back office
    answers: its tools are imported for the demo, in the place of those installed ones that do the same. Without the
    demo nothing is made up: people and organizations are an administrator's to create.
    """
    with transaction.atomic():
        if demo:
            if not password:
                raise ValueError("the demo's people need a password")
            _organization("demo", "Demo", DEMO, password)
            _organization("elsewhere", "Elsewhere", OUTSIDERS, password)
        for organization in Organization.objects.all():
            grant_defaults(create_teams(organization), Tool.objects.filter(organization=organization))
            has_office = bool(office) and organization.slug == ITS_ORGANIZATION
            offer_installed_tools(organization, leave_out=FROM_THE_OFFICE if has_office else ())
    if demo and office:
        bring_office(office)


def create_organization(slug: str, name: str) -> Organization:
    """A new organization with its first policy and the teams that its tools are offered to."""
    organization, new = Organization.objects.get_or_create(slug=slug, defaults={"name": name})
    if new:
        PolicyVersion.objects.create(organization=organization, number=1, reason="The first policy: deny by default.")
        create_teams(organization)
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
    theirs = [team for role, team in ROLE_TEAMS.items() if role in roles]
    user.groups.add(*Team.objects.filter(organization=organization, name__in=theirs).values_list("group", flat=True))
    if new:
        _tell(organization.id, "member_added", "user", user.id, {"name": name, "roles": sorted(roles)})
    return user


def _organization(slug: str, name: str, people: tuple[Person, ...], password: str) -> None:
    organization = create_organization(slug, name)
    members = [create_person(organization, p.name, roles=p.roles, tier=p.tier, password=password) for p in people]
    Agent.objects.get_or_create(
        organization=organization,
        builtin=True,
        defaults={"name": "planner", "owner": members[0], "tier": TierLevel.DELETE},
    )


def _tell(organization: uuid.UUID, verb: str, kind: str, subject: uuid.UUID, detail: dict[str, object]) -> None:
    record(Entry(organization=organization, actor=SETUP, verb=verb, subject_kind=kind, subject=subject, detail=detail))
