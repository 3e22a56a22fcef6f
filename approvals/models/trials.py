"""Policies that somebody wrote and tries before they are in force, and how often the entries of a policy were met."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from traces.ids import uuid7


class TrialQuerySet(models.QuerySet["Trial"]):
    """Reads of what is being tried."""

    def under_way(self) -> "TrialQuerySet":
        """Those whose replay is asked for and not over, oldest first."""
        return self.filter(state__in=[Trial.State.WAITING, Trial.State.RUNNING]).order_by("id")


class Trial(models.Model):
    """A policy that is not in force: written, perhaps replayed over what was recorded, perhaps put in force later.

    What it says never changes. A replay reads its way from ``reached`` to ``upto`` in slices, and what it has found so
    far stands in ``found``.
    """

    class State(models.TextChoices):
        """Where the replay stands."""

        WRITTEN = "written"
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    follows = models.IntegerField()  # the number of the policy version that it was written to follow
    settings = models.JSONField()  # the whole document
    created = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=State.choices, default=State.WRITTEN)
    days = models.SmallIntegerField(default=0)  # how far back the replay goes
    reached = models.UUIDField(null=True)  # the revision up to which it has come
    upto = models.UUIDField(null=True)  # the revisions behind this one are no part of it
    expected = models.IntegerField(default=0)  # about how many rulings there are
    seen = models.IntegerField(default=0)
    found = models.JSONField(default=dict)
    asked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = TrialQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["written", "waiting", "running", "done", "cancelled", "failed"]),
                name="trial_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state="written") | models.Q(reached__isnull=False, upto__isnull=False),
                name="trial_knows_its_range",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(state__in=["waiting", "running"]), name="trial_under_way"),
        ]


class Hits(models.Model):
    """How often an entry of an organization's policy was met on one day (UTC), as rulings' findings name it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    entry = models.CharField(max_length=80)  # the id of a rule, a limit, an exposure or an exception
    day = models.DateField()
    number = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "entry", "day"], name="hits_once_a_day"),
            models.CheckConstraint(condition=models.Q(number__gte=0), name="hits_not_negative"),
        ]


class HitsCounted(models.Model):
    """How far the counting of hits has come: one row for the whole installation."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    upto = models.UUIDField()  # the newest revision that was looked at

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="hits_counted_once")]
