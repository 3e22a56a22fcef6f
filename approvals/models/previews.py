"""What tools are asked beforehand, and what they answered."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization
from tools.models import ToolVersion, Worker
from traces.ids import uuid7


class PreviewRow(models.Model):
    """That a tool is asked what one revision would do, and what it answered. An answer is written once.

    It is asked when an action is proposed or edited; and an answer that differs right before the call is kept too.
    """

    class State(models.TextChoices):
        """How far it is."""

        ASKED = "asked"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.ForeignKey("approvals.Action", on_delete=models.PROTECT, related_name="previews")
    revision = models.SmallIntegerField()  # the number of the one that it was asked about
    tool_version = models.ForeignKey(ToolVersion, on_delete=models.PROTECT, related_name="+")
    arguments_digest = models.CharField(max_length=80)
    asked_at = models.DateTimeField(db_default=Now())
    claimer = models.ForeignKey(Worker, on_delete=models.PROTECT, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(db_default=0)
    state = models.CharField(max_length=8, choices=State.choices, db_default=State.ASKED)
    answered_at = models.DateTimeField(null=True)
    content = models.TextField(blank=True, db_default="")  # canonical JSON, bounded (tools.previews.Told)
    preconditions = models.CharField(max_length=80, blank=True, db_default="")  # digest of all that it rests on
    drifted = models.BooleanField(db_default=False)  # whether it differs from what had been decided on
    closed_at = models.DateTimeField(null=True)  # the next revision rests on it, or nobody needs it any more

    class Meta:
        db_table = "approvals_preview"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["action", "revision"], name="preview_once_a_revision"),
            models.CheckConstraint(
                condition=models.Q(state__in=["asked", "done", "refused", "failed"]), name="preview_state_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(closed_at__isnull=True), name="preview_open"),
        ]
