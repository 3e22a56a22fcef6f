"""What people and agents may be: tiers, roles, teams. Each change has a reason, an event, and somebody else's hand.

Nobody changes their own standing, nor that of an agent that they answer for: an administrator who wants to review, or
whose agent needs a deeper tier, asks another administrator. What counts for a call is read when the call is judged and
again when it is claimed, so a change is felt by everything that has not run yet. A change is a row of
``accounts_standingchange``: the database changes the person or the team when the row is written, so that no process
writes what people are in any other way.
"""

import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.actors import person
from accounts.exceptions import ChangeRefused, MayNotAdminister, NotOfThisOrganization, NotOneself
from accounts.models import Agent, Membership, Organization, StandingChange, Team, User
from accounts.roles import Role, TierLevel
from traces import turns
from traces.exceptions import DomainError
from traces.ids import uuid7
from traces.services import Entry, record, refused

ROLE_TEAMS: Final[Mapping[str, str]] = {
    Role.OPERATOR.value: "operators",
    Role.REVIEWER.value: "reviewers",
    Role.ADMINISTRATOR.value: "administrators",
    Role.AUDITOR.value: "auditors",
}
"""The team in which people of a role hold their object permissions together. Developers hold none."""

TEAM_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class Tell(Protocol):
    """Writes the event of the change that was announced, with this detail. Called only where something changed."""

    def __call__(self, **detail: object) -> None: ...


@contextmanager
def administering(
    verb: str,
    *,
    by: User,
    organization: uuid.UUID,
    about: tuple[str, uuid.UUID],
    reason: str,
    roles: tuple[Role, ...] = (Role.ADMINISTRATOR,),
) -> Iterator[Tell]:
    """One change of somebody's standing or rights, in a transaction; what is refused inside is remembered.

    ``about`` is kind and id of what the change is made to, ``verb`` the event's. Raises MayNotAdminister unless ``by``
    is an active administrator of the organization, or holds another of ``roles`` there; ChangeRefused without a reason.
    Keep it outside of any transaction.
    """
    kind, subject = about

    def entry(verb: str, reason: str, detail: dict[str, object]) -> Entry:
        return Entry(
            organization=organization,
            actor=person(by),
            verb=verb,
            subject_kind=kind,
            subject=subject,
            reason=reason,
            detail=detail,
        )

    def tell(**detail: object) -> None:
        record(entry(verb, reason.strip(), detail))

    try:
        with transaction.atomic():
            member = Membership.objects.of(by).filter(organization_id=organization).first()
            if member is None or not member.has(*roles):
                raise MayNotAdminister
            if not reason.strip():
                raise ChangeRefused("reason: say why.", errors={"reason": "Say why."})
            yield tell
    except DomainError as error:
        refused(entry("refused", error.message, {"attempt": verb, "code": error.code}))
        raise


def set_tier(of: Membership | Agent, tier: str, *, by: User, reason: str) -> bool:
    """How deep calls may reach for a person, or by an agent. Returns whether that is a change.

    Raises MayNotAdminister, NotOneself (one's own tier, or that of an agent one answers for), ChangeRefused.
    """
    kind, whose = ("member", of.user_id) if isinstance(of, Membership) else ("agent", of.owner_id)
    with administering("tier_set", by=by, organization=of.organization_id, about=(kind, of.pk), reason=reason) as tell:
        if tier not in TierLevel.values:
            raise ChangeRefused(f"tier: {tier!r} is not one of {', '.join(TierLevel.values)}.")
        if whose == by.pk:
            raise NotOneself
        alone(of.organization_id)
        rows = Membership.objects if isinstance(of, Membership) else Agent.objects
        before = rows.values_list("tier", flat=True).get(pk=of.pk)
        if before != tier:
            tell(before=before, after=tier)
            if isinstance(of, Membership):
                change("tier", of.organization_id, member=of, before=before, after=tier, by=by, reason=reason)
            else:  # by whoever runs the installation; on its page an agent changes by a row of its own
                Agent.objects.filter(pk=of.pk).update(tier=tier)
    of.tier = tier
    return before != tier


def set_roles(of: Membership, roles: Collection[str], *, by: User, reason: str) -> bool:
    """Which parts a person has; they join and leave the teams that go with these. Returns whether that is a change.

    Raises MayNotAdminister, NotOneself, ChangeRefused.
    """
    after = sorted({str(role) for role in roles})
    with administering(
        "roles_set", by=by, organization=of.organization_id, about=("member", of.pk), reason=reason
    ) as tell:
        unknown = sorted(set(after) - set(Role.values))
        if unknown:
            raise ChangeRefused(f"roles: there is no {', '.join(unknown)}.")
        if of.user_id == by.pk:
            raise NotOneself
        alone(of.organization_id)
        before = sorted(Membership.objects.get(pk=of.pk).roles)
        if before != after:
            tell(before=before, after=after)
            was, becomes = ",".join(before), ",".join(after)
            change("roles", of.organization_id, member=of, before=was, after=becomes, by=by, reason=reason)
    of.roles = after
    return before != after


def create_team(organization: Organization, name: str, *, by: User, reason: str) -> bool:
    """Make a team that rules can name and rights be granted to. Returns whether that is a change.

    It begins empty and without a right. Raises MayNotAdminister, or ChangeRefused for a name that is no short slug.
    """
    with administering(
        "team_created", by=by, organization=organization.pk, about=("organization", organization.pk), reason=reason
    ) as tell:
        if not TEAM_NAME.fullmatch(name):
            raise ChangeRefused("name: use up to 40 small letters, digits, - and _, beginning with a letter.")
        alone(organization.pk)  # of two hands at once, one makes it
        new = not Team.objects.filter(organization=organization, name=name).exists()
        if new:
            team = Team(id=uuid7(), organization=organization, name=name)
            tell(team=str(team.pk), name=name)
            change("team", organization.pk, team=team, after=name, by=by, reason=reason)
    return new


def join(team: Team, user: User, *, by: User, reason: str) -> bool:
    """Put a member into a team, with all the rights that it holds. Returns whether that is a change.

    Raises MayNotAdminister, NotOneself, NotOfThisOrganization for somebody who is no active member.
    """
    return _team("team_joined", team, user, by=by, reason=reason)


def leave(team: Team, user: User, *, by: User, reason: str) -> bool:
    """Take a member out of a team. Returns whether that is a change.

    Raises MayNotAdminister, NotOneself, NotOfThisOrganization.
    """
    return _team("team_left", team, user, by=by, reason=reason)


def create_teams(organization: Organization) -> list[Team]:
    """The teams that every organization has, with the people of their roles in them; returns those that are new.

    For the owner account, when an organization is set up or comes from a version that had fewer teams.
    """
    there = set(Team.objects.filter(organization=organization).values_list("name", flat=True))
    made = []
    for role, name in ROLE_TEAMS.items():
        if name in there:
            continue
        group, _ = Group.objects.get_or_create(name=f"{organization.slug}/{name}")
        made.append(Team.objects.create(organization=organization, group=group, name=name))
        people = Membership.objects.filter(organization=organization, roles__contains=[role])
        group.user_set.add(*User.objects.filter(memberships__in=people))
    return made


def _team(verb: str, team: Team, user: User, *, by: User, reason: str) -> bool:
    joining = verb == "team_joined"
    with administering(verb, by=by, organization=team.organization_id, about=("team", team.pk), reason=reason) as tell:
        if user.pk == by.pk:
            raise NotOneself
        member = Membership.objects.filter(user=user, organization_id=team.organization_id).first()
        if member is None or (joining and not user.is_active):
            raise NotOfThisOrganization
        alone(team.organization_id)
        changes = user.groups.filter(pk=team.group_id).exists() != joining
        if changes:
            tell(team=team.name, user=user.username)
            what = "join" if joining else "leave"
            change(what, team.organization_id, team=team, member=member, by=by, reason=reason)
    return changes


def alone(organization: uuid.UUID) -> None:
    """Wait for whoever else changes what people are here: two hands at once make one change, told of once."""
    turns.alone(f"standing:{organization}")


def change(
    what: str,
    organization: uuid.UUID,
    *,
    by: User,
    reason: str,
    member: Membership | None = None,
    team: Team | None = None,
    before: str = "",
    after: str = "",
) -> None:
    """Write the row that is the change."""
    StandingChange.objects.create(
        organization_id=organization,
        what=what,
        member=member,
        team_id=team.pk if team else None,
        before=before,
        after=after,
        by=by,
        reason=reason.strip(),
    )
