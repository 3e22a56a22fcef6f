"""Changes of a policy that wait for a second administrator, because they let go of what guards high-risk tools."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from approvals.models.actions import PolicyVersion
from traces.ids import uuid7


class PolicyProposal(models.Model):
    """A next policy that is looser where a wrong call is hard to make good. It is in force once another one agrees."""

    class Status(models.TextChoices):
        """What became of it."""

        OPEN = "open"
        ACCEPTED = "accepted"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    follows = models.IntegerField()  # the number of the version that it was written to follow
    settings = models.JSONField()  # the whole document
    looser = models.JSONField()  # what it lets go of: paths in the document, as approvals_looser names them
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    created = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.TextField(blank=True)
    version = models.OneToOneField(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="proposal")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(status="open"), name="one_open_proposal_a_policy"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="policy_proposal_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(status="open", closed_by__isnull=True, closed_at__isnull=True, version__isnull=True)
                | models.Q(status="accepted", closed_by__isnull=False, closed_at__isnull=False, version__isnull=False)
                | models.Q(status="withdrawn", closed_by__isnull=False, closed_at__isnull=False, version__isnull=True),
                name="policy_proposal_closed_by_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="accepted") | ~models.Q(closed_by=models.F("by")),
                name="policy_proposal_accepted_by_another",
            ),
        ]
