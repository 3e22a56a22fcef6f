"""Bounded grants: a person's standing yes to calls like one that they were shown, and each call that it let go.

A grant is never edited; it can only be revoked. What it was used for is written by the database's own function alone
(migration ``0017_grants``), so that no process counts less than there was.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.models import Agent, Organization, Team, User
from approvals.models.actions import Action, Revision
from approvals.models.limits import DIGITS, PLACES
from tools.models import Tool, ToolVersion
from traces.ids import uuid7


class Grant(models.Model):
    """A standing yes inside bounds. Who made it answers for it, and it ends when they may no longer decide."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    example = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="+")  # what its maker was shown
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    principals = ArrayField(models.UUIDField(), default=list)  # of the example; the database's own copy
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, related_name="+", db_index=False)
    tool_version = models.ForeignKey(ToolVersion, on_delete=models.PROTECT, related_name="+")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    initiator = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")  # anybody of it
    bounds = models.JSONField()  # [{argument, bounds, value}], one for every argument
    uses = models.IntegerField()  # calls at most
    total = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True)  # money of all calls at most
    currency = models.CharField(max_length=3, blank=True)
    reason = models.TextField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    scopes = ArrayField(models.CharField(max_length=60), default=list)  # a later stop over any of these ends it
    epoch = models.BigIntegerField(default=0)  # of the newest stop when it was made
    created = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_because = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(uses__gte=1, uses__lte=1000), name="grant_uses_bounded"),
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("created")), name="grant_has_a_life"),
            models.CheckConstraint(
                condition=models.Q(total__isnull=True, currency="")
                | (models.Q(total__gt=0, total__lt=10**38) & ~models.Q(currency="")),
                name="grant_total_has_a_currency",
            ),
            models.CheckConstraint(
                condition=models.Q(initiator__isnull=True, team__isnull=False)
                | models.Q(initiator__isnull=False, team__isnull=True),
                name="grant_for_a_person_or_a_team",
            ),
            models.CheckConstraint(
                condition=models.Q(revoked_at__isnull=True, revoked_by__isnull=True, revoked_because="")
                | (models.Q(revoked_at__isnull=False, revoked_by__isnull=False) & ~models.Q(revoked_because="")),
                name="grant_revoked_by_somebody",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="grant_has_a_reason"),
            # "NOT made_by = ANY (principals)" and the longest life are added as SQL in the migration.
        ]
        indexes: ClassVar = [
            models.Index(fields=["tool", "id"], condition=models.Q(revoked_at__isnull=True), name="grant_of_a_tool"),
        ]


class GrantUse(models.Model):
    """That one action was let go by a grant, and how far the grant was used before it.

    The gatekeeper reads this row instead of believing what was stored with the revision.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="taken", db_index=False)
    action = models.UUIDField()  # counted before the action is written; the commit finds both, or neither
    amount = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    used_before = models.IntegerField()
    spent_before = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)  # it did not happen, or people decided on it after all

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["action"], condition=models.Q(released_at__isnull=True), name="one_grant_an_action"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["grant"], condition=models.Q(released_at__isnull=True), name="grant_taken"),
        ]
