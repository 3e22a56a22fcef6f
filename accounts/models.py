"""People, organizations and the agents that act for them."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.roles import Role, TierLevel
from traces.ids import uuid7


class User(AbstractUser):
    """A human being who signs in. Agents are never users, so that no agent can hold a session."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(username=""), name="user_has_a_name"),
        ]


class Organization(models.Model):
    """Whose rows are whose. Every governed row names exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    created = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Reads of who belongs where."""

    def of(self, user: User) -> "MembershipQuerySet":
        """The memberships of an active person, oldest first; the first is the one a session begins with."""
        return self.filter(user=user, user__is_active=True).select_related("organization").order_by("id")


class Membership(models.Model):
    """A person's place in an organization: roles, and the deepest tier that agents may reach for them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices))
    tier = models.CharField(max_length=10, choices=TierLevel.choices, default=TierLevel.WRITE)
    created = models.DateTimeField(db_default=Now())

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_person"),
            models.CheckConstraint(condition=models.Q(tier__in=TierLevel.values), name="membership_tier_known"),
            models.CheckConstraint(condition=models.Q(roles__contained_by=Role.values), name="membership_roles_known"),
        ]

    def has(self, *roles: str) -> bool:
        """Whether the person holds any of these roles here."""
        return any(role in self.roles for role in roles)


class Team(models.Model):
    """People who hold object permissions together: one organization's name for one auth group."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="teams")
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="team")
    name = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="team_name_once_an_organization"),
        ]


class Agent(models.Model):
    """A registered client that may propose: it has an accountable owner and a ceiling, and can never decide."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="agents")
    name = models.SlugField(max_length=64)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="agents")
    tier = models.CharField(max_length=10, choices=TierLevel.choices, default=TierLevel.WRITE)
    enabled = models.BooleanField(default=True)
    builtin = models.BooleanField(default=False)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="agent_name_once_an_organization"),
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(builtin=True), name="one_builtin_agent_an_organization"
            ),
            models.CheckConstraint(condition=models.Q(tier__in=TierLevel.values), name="agent_tier_known"),
        ]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A bearer token, kept as a hash. It names the person answerable and, for an agent's, the agent."""

    class Scope(models.TextChoices):
        """What the token may reach. None of them reaches a decision."""

        AGENT = "agent"
        OPERATE = "operate"
        AUDIT = "audit"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="tokens")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, null=True, blank=True, related_name="tokens")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    prefix = models.CharField(max_length=12)  # shown on pages, so that a token can be told from another
    sha256 = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(scope__in=["agent", "operate", "audit"]), name="token_scope_known"
            ),
            models.CheckConstraint(
                condition=models.Q(scope="agent", agent__isnull=False) | ~models.Q(scope="agent"),
                name="agent_token_names_its_agent",
            ),
        ]


class StandingChange(models.Model):
    """That somebody's tier, roles or teams were changed, or a team made. Inserting it is the change.

    No account of a process may write what people are: the database makes the change that the row says, or refuses it.
    """

    class What(models.TextChoices):
        """What was changed."""

        TIER = "tier"
        ROLES = "roles"  # before and after are joined by commas, in the order of the alphabet
        TEAM = "team"  # that was made: ``team`` is its id, ``after`` its name
        JOIN = "join"
        LEAVE = "leave"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=8, choices=What.choices)
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="changes")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="changes")
    before = models.CharField(max_length=200, blank=True)
    after = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="standing_change_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(what="team", member__isnull=True, team__isnull=False)
                | models.Q(what__in=["join", "leave"], member__isnull=False, team__isnull=False)
                | models.Q(what__in=["tier", "roles"], member__isnull=False, team__isnull=True),
                name="standing_change_names_whose",
            ),
        ]

    @property
    def before_words(self) -> str:
        """How it was, as a person reads a list."""
        return self.before.replace(",", ", ") or "none"

    @property
    def after_words(self) -> str:
        """How it became, as a person reads a list."""
        return self.after.replace(",", ", ") or "none"
