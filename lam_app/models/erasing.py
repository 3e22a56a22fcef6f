"""A person's erasure: who asked for it, who else said so, and how far it is."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from traces.ids import uuid7


class ErasureQuerySet(models.QuerySet["Erasure"]):
    """Reads of erasures, always inside one organization."""

    def within(self, organization: uuid.UUID) -> "ErasureQuerySet":
        """One organization's with their people, newest first."""
        found = self.filter(organization_id=organization).select_related(
            "person", "asked_by", "confirmed_by", "withdrawn_by"
        )
        return found.defer(
            "person__password", "asked_by__password", "confirmed_by__password", "withdrawn_by__password"
        ).order_by("-id")

    def to_do(self) -> "ErasureQuerySet":
        """Those that a second person confirmed and that are not done, oldest first."""
        return self.filter(confirmed_at__isnull=False, done_at=None, withdrawn_at=None).order_by("id")


class Erasure(models.Model):
    """That somebody's data is to go: asked for by one administrator, confirmed by a second person, done by slices."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    created = models.DateTimeField(db_default=Now())
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    runs = models.IntegerField(default=0, db_default=0)  # emptied so far
    details = models.IntegerField(default=0, db_default=0)  # of events, removed so far
    waits = models.IntegerField(default=0, db_default=0)  # runs in flight, or held

    objects = ErasureQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="erasure_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(confirmed_at__isnull=True, confirmed_by__isnull=True)
                | models.Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="erasure_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="erasure_withdrawn_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["organization", "person"],
                condition=models.Q(withdrawn_at__isnull=True, done_at__isnull=True),
                name="one_erasure_at_a_time",
            ),
        ]
