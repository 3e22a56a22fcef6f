"""Canaries: requests that are known to be bad, put among the others to see whether somebody looks.

A canary is an action like any other to whoever reviews it, and none at all to the world: the database lets no permit
exist for one, and no status from which anything could run.
"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from approvals.models.actions import Action
from tools.models import Tool
from traces.ids import uuid7

MOST_RATE = 0.05
"""At most one canary for every twenty requests: more would teach people to look for canaries."""


class CanaryTemplate(models.Model):
    """What an auditor wants reviewers to notice: arguments of one tool, and what is wrong with them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, related_name="+")
    arguments = models.TextField()  # canonical JSON
    claim = models.TextField(blank=True)  # what the agent is made to say for it
    goal = models.TextField(blank=True, default="", db_default="")  # what its run seems to be for, where one is shown
    why = models.TextField()  # what a reader should have noticed; shown to the reviewer afterwards
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)
    retired_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(why=""), name="canary_template_says_why"),
            models.CheckConstraint(
                condition=models.Q(retired_at__isnull=True, retired_by__isnull=True)
                | models.Q(retired_at__isnull=False, retired_by__isnull=False),
                name="canary_template_retired_by_somebody",
            ),
        ]


class CanaryPlan(models.Model):
    """How many canaries an organization's reviewers get, and when the next one comes. One row an organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="+")
    rate = models.FloatField(default=0)  # canaries for each real request that reaches people; 0 to MOST_RATE
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(db_default=Now())
    countdown = models.IntegerField(default=0)  # real requests until the next canary
    seen = models.UUIDField(null=True)  # up to which action requests were counted

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(rate__gte=0, rate__lte=MOST_RATE), name="canary_rate_bounded"),
        ]


class Canary(models.Model):
    """That one action is a canary, of which template. How it ended is told by the action's own rows."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.OneToOneField(Action, on_delete=models.PROTECT, related_name="planted")
    template = models.ForeignKey(CanaryTemplate, on_delete=models.PROTECT, related_name="planted")
    created = models.DateTimeField(db_default=Now())
