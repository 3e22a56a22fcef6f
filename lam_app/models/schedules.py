"""Goals that are given again and again, at times that a person set, and what came of each time."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from lam_app.models.runs import Run
from traces.ids import uuid7


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Reads of schedules, always inside one organization."""

    def within(self, organization: uuid.UUID) -> "ScheduleQuerySet":
        """One organization's, newest first, with their people."""
        found = self.filter(organization_id=organization).select_related("person").defer("person__password")
        return found.order_by("-id")

    def due(self) -> "ScheduleQuerySet":
        """Those whose time has come, by the database's clock, the longest due first."""
        standing = self.filter(paused_at=None, ended_at=None, next_at__lte=Now())
        return standing.order_by("next_at", "id")


class Schedule(models.Model):
    """A goal that a person gives at every time of a cron expression, as that person and nobody else.

    The times are those of ``time_zone``, the person's when the schedule was made. The database alone makes the runs
    (``lam_app_fire``), so that no process can give a goal that is not written here.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    goal = models.TextField()
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64)
    next_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    paused_because = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    created = models.DateTimeField(db_default=Now())

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(goal=""), name="schedule_has_a_goal"),
            models.CheckConstraint(
                condition=models.Q(paused_at__isnull=True, paused_because="")
                | (models.Q(paused_at__isnull=False) & ~models.Q(paused_because="")),
                name="schedule_paused_for_a_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"],
                condition=models.Q(paused_at__isnull=True, ended_at__isnull=True),
                name="schedule_due",
            ),
            models.Index(fields=["organization", "-id"], name="schedule_list"),
        ]


class Firing(models.Model):
    """One time of a schedule: the run that it became, or why it became none. Never changed, and once a time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="firings")
    due_at = models.DateTimeField()
    missed = models.IntegerField(default=0)  # later times that had passed as well, for which this one stands
    run = models.OneToOneField(Run, on_delete=models.PROTECT, null=True, related_name="firing")
    skipped = models.TextField(blank=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["schedule", "due_at"], name="schedule_fires_once_a_time"),
            models.CheckConstraint(
                condition=models.Q(run__isnull=False, skipped="")
                | (models.Q(run__isnull=True) & ~models.Q(skipped="")),
                name="firing_became_a_run_or_says_why_not",
            ),
        ]
