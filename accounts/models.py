"""People, organizations and the agents that act for them."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.roles import Role, TierLevel
from traces.ids import uuid7


class User(AbstractUser):
    """A human being who signs in. Agents are never users, so that no agent can hold a session."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    time_zone = models.CharField(max_length=64, blank=True, default="")  # empty: the organization's

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(username=""), name="user_has_a_name"),
        ]


class Organization(models.Model):
    """Whose rows are whose. Every governed row names exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC")  # what its people mean by "tomorrow"
    created = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    def zone_of(self, user: User) -> str:
        """The time zone in which one of its people means a time: their own, or everybody's."""
        return user.time_zone or self.time_zone


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Reads of who belongs where."""

    def of(self, user: User) -> "MembershipQuerySet":
        """The memberships of an active person, oldest first; the first is the one a session begins with."""
        return self.filter(user=user, user__is_active=True).select_related("organization").order_by("id")

    def holds(self, user: User, organization: uuid.UUID, *roles: str) -> bool:
        """Whether an active person holds any of these roles in an organization."""
        return self.of(user).filter(organization=organization, roles__overlap=list(roles)).exists()


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
    name = models.CharField(max_length=80, blank=True)  # what it is for, in its maker's words
    made_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+"
    )  # who has seen its text; null: whoever runs the installation
    prefix = models.CharField(max_length=12)  # shown on pages, so that a token can be told from another
    sha256 = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute
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


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Reads of who is signed in where."""

    def open(self) -> "SignInQuerySet":
        """Those that nobody ended and that a browser may still hold, last seen first."""
        oldest = Now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
        return self.filter(ended_at=None, seen__gt=oldest).order_by("-seen", "-id")


class SignIn(models.Model):
    """One signed-in browser of a person, as others can tell it from the next. Its session counts while this is open.

    The session itself is Django's and holds this row's id; nothing here opens anything.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sign_ins")
    device = models.CharField(max_length=80)  # "Firefox on Linux"
    began = models.DateTimeField(db_default=Now())
    seen = models.DateTimeField(db_default=Now())  # to the minute
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = SignInQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, ended_by__isnull=True)
                | models.Q(ended_at__isnull=False, ended_by__isnull=False),
                name="sign_in_ended_by_somebody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "seen"], condition=models.Q(ended_at=None), name="sign_in_open"),
        ]


class StandingChange(models.Model):
    """That somebody's tier, roles or teams were changed, that they were switched off or on or their sessions ended, a
    team made, or the organization itself set. Inserting it is the change.

    No account of a process may write what people are: the database makes the change that the row says, or refuses it.
    """

    class What(models.TextChoices):
        """What was changed."""

        TIER = "tier"
        ROLES = "roles"  # before and after are joined by commas, in the order of the alphabet
        TEAM = "team"  # that was made: ``team`` is its id, ``after`` its name
        JOIN = "join"
        LEAVE = "leave"
        OFF = "off"  # cannot sign in any more, and whatever browser they were signed in at, is not
        ON = "on"
        END = "end"  # all their sessions; ``before`` is how many were open
        NAME = "name"  # of the organization
        ZONE = "zone"  # of the organization

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
                | models.Q(what__in=["tier", "roles", "off", "on", "end"], member__isnull=False, team__isnull=True)
                | models.Q(what__in=["name", "zone"], member__isnull=True, team__isnull=True),
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


class AbsenceQuerySet(models.QuerySet["Absence"]):
    """Reads of who is away."""

    def open(self) -> "AbsenceQuerySet":
        """Those that have begun and are not over, by the database's clock."""
        return self.filter(ended_at=None, until__gt=Now()).select_related("person", "stand_in")


class Absence(models.Model):
    """That a person is away until a time, and who looks after what they had taken. It changes nobody's rights."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="absences")
    stand_in = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    until = models.DateTimeField()
    created = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)  # they came back, or said it anew

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "person"],
                condition=models.Q(ended_at__isnull=True),
                name="one_absence_a_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(stand_in=models.F("person")), name="absence_stand_in_is_another"
            ),
        ]
