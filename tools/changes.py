"""What was changed about a tool and who may do what with it: rows that are written once, and make the change.

No account of a process may write the setting of a tool or anybody's right. It adds a row here, and the database makes
the change that the row says, or refuses the row: what is not told does not happen.
"""

from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Now

from accounts.models import Agent, Organization, User
from traces.ids import uuid7

BECAUSE: Final = {
    "error_bound": "Samples of what it did show more errors than its limit allows.",
    "drift": "It behaves differently from before.",
    "harm": "A person reported harm.",
    "changed": "The tool itself changed, and trust was given to what it was.",
}
"""Why a tool is lowered by itself, in words."""


class DialChange(models.Model):
    """One change of how freely a tool may act. Inserting it is the change; it is never written again."""

    class Kind(models.TextChoices):
        """Whose hand it was."""

        PERSON = "person"
        SETUP = "setup"  # whoever runs the installation, as the owner account
        AUTOMATIC = "automatic"  # never makes a tool freer

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tool = models.ForeignKey("tools.Tool", on_delete=models.PROTECT, related_name="changes")
    number = models.IntegerField()  # the tool's own count, without gaps
    kind = models.CharField(max_length=10, choices=Kind.choices)
    before = models.JSONField()  # all of a tool's settings: tools.dial.SETTINGS
    after = models.JSONField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    second = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    because = models.CharField(max_length=12, blank=True)  # why by itself: a word of BECAUSE
    reason = models.TextField()
    version = models.ForeignKey("tools.ToolVersion", on_delete=models.PROTECT, null=True, related_name="+")
    proposal = models.OneToOneField("DialProposal", on_delete=models.PROTECT, null=True, related_name="change")
    returns_to = models.IntegerField(null=True)  # the number whose settings these are again
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tool", "number"], name="dial_change_number_once"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="dial_change_counted"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="dial_change_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(second__isnull=True) | ~models.Q(second=models.F("by")),
                name="dial_change_second_is_another",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="person", by__isnull=False, because="")
                | models.Q(kind="setup", by__isnull=True, second__isnull=True, because="")
                | models.Q(kind="automatic", by__isnull=True, second__isnull=True, because__in=list(BECAUSE)),
                name="dial_change_says_whose_hand",
            ),
        ]


class DialProposal(models.Model):
    """A change that makes a high-risk tool freer, and waits for a second person."""

    class Status(models.TextChoices):
        """What became of it."""

        OPEN = "open"
        ACCEPTED = "accepted"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tool = models.ForeignKey("tools.Tool", on_delete=models.PROTECT, related_name="proposals")
    before = models.JSONField()
    after = models.JSONField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    returns_to = models.IntegerField(null=True)
    created = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tool"], condition=models.Q(status="open"), name="one_open_proposal_a_tool"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="dial_proposal_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(status="open", closed_by__isnull=True, closed_at__isnull=True)
                | models.Q(status__in=["accepted", "withdrawn"], closed_by__isnull=False, closed_at__isnull=False),
                name="dial_proposal_closed_by_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="accepted") | ~models.Q(closed_by=models.F("by")),
                name="dial_proposal_accepted_by_another",
            ),
        ]


class RightChange(models.Model):
    """That a right on a tool was given to or taken from a team or a person. Inserting it is the change."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tool = models.ForeignKey("tools.Tool", on_delete=models.PROTECT, related_name="+")
    right = models.CharField(max_length=10)  # one of tools.rights.RIGHTS
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    given = models.BooleanField()  # or taken
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="right_change_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(team__isnull=True, user__isnull=False)
                | models.Q(team__isnull=False, user__isnull=True),
                name="right_change_of_a_team_or_a_person",
            ),
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) | ~models.Q(user=models.F("by")),
                name="right_change_not_ones_own",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tool", "at"], name="right_change_of_tool")]


class AgentChange(models.Model):
    """That an agent's owner, ceiling, tools or being switched on was changed. Inserting it is the change."""

    class What(models.TextChoices):
        """What was changed."""

        OWNER = "owner"
        TIER = "tier"
        LIST = "list"  # a tool it may propose from now on
        UNLIST = "unlist"  # one it may not propose any more
        OFF = "off"
        ON = "on"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=8, choices=What.choices)
    tool = models.ForeignKey("tools.Tool", on_delete=models.PROTECT, null=True, related_name="+")
    before = models.CharField(max_length=64, blank=True)  # the tier or the owner's id
    after = models.CharField(max_length=64, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="agent_change_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(what__in=["list", "unlist"], tool__isnull=False)
                | (~models.Q(what__in=["list", "unlist"]) & models.Q(tool__isnull=True)),
                name="agent_change_names_a_tool",
            ),
        ]
