"""Whom time brings a waiting action before: the steps that the policy's rules named when it was ruled on."""

from typing import ClassVar

from django.db import models

from accounts.models import Organization
from approvals.models.actions import Action
from traces.ids import uuid7


class Escalation(models.Model):
    """One step of a chain: after some time in which nobody took the action, people of one more team are asked.

    It asks and gives nothing: who may decide, and how many have to, stays what the ruling said.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="escalations", db_index=False)
    revision = models.SmallIntegerField()  # what was to be decided; another revision has steps of its own
    number = models.SmallIntegerField()  # its place in the chain, from 1
    team = models.CharField(max_length=120)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)  # the database's own to set
    able = models.SmallIntegerField(null=True)  # how many people of the team could decide at that moment
    skipped = models.BooleanField(default=False)  # it waited no longer, or not for this

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["action", "revision", "number"], name="escalation_step_once"),
            models.CheckConstraint(
                condition=models.Q(done_at__isnull=True) | models.Q(skipped=False), name="escalation_done_or_skipped"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(done_at__isnull=True, skipped=False),
                name="escalation_due",
            ),
        ]
