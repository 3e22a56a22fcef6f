"""What is kept how long, what is held longer, and the door through which rows of the record leave."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from traces.ids import uuid7


class RetentionQuerySet(models.QuerySet["Retention"]):
    """Reads of how long something is kept."""

    def of(self, organization: uuid.UUID) -> "Retention | None":
        """What counts in an organization now; None where nothing was ever set, so that everything is kept."""
        return self.filter(organization=organization).order_by("-id").first()


class Retention(models.Model):
    """How many days an organization keeps details and model calls. Never changed: the newest row counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    days = models.IntegerField(null=True)  # null: for ever
    by = models.UUIDField()
    reason = models.TextField()
    created = models.DateTimeField(db_default=Now())

    objects = RetentionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(days__isnull=True) | models.Q(days__gte=30, days__lte=36500),
                name="retention_is_a_month_at_least",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="retention_has_a_reason"),
        ]
        indexes: ClassVar = [models.Index(fields=["organization", "-id"], name="retention_newest")]


class HoldQuerySet(models.QuerySet["Hold"]):
    """Reads of what is held."""

    def standing(self, organization: uuid.UUID) -> "HoldQuerySet":
        """An organization's holds that nobody lifted, oldest first."""
        return self.filter(organization=organization, lifted_at=None).order_by("id")


class Hold(models.Model):
    """What may not be forgotten, whatever else was set or asked for: all of an organization, one run, or a person's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    kind = models.CharField(max_length=12)  # organization, run, person
    target = models.UUIDField()
    reason = models.TextField()
    by = models.UUIDField()
    created = models.DateTimeField(db_default=Now())
    lifted_by = models.UUIDField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_reason = models.TextField(blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["organization", "run", "person"]), name="hold_kind_known"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="hold_has_a_reason"),
            models.UniqueConstraint(
                fields=["organization", "kind", "target"],
                condition=models.Q(lifted_at__isnull=True),
                name="one_hold_at_a_time",
            ),
        ]


class Forgetting(models.Model):
    """That rows of the record left in one transaction: the door which the guards look for. Only the owner writes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    why = models.CharField(max_length=9)  # retention, erasure
    transaction = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(why__in=["retention", "erasure"]), name="forgetting_why_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["transaction"], name="forgetting_transaction")]
