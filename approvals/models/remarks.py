"""What people say to each other about an action. It decides nothing."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from approvals.models.actions import Action
from traces.ids import uuid7


class Remark(models.Model):
    """One thing that a person said about an action: a comment, a question to the initiator, or its answer."""

    class Kind(models.TextChoices):
        """What was said."""

        COMMENT = "comment"
        QUESTION = "question"
        ANSWER = "answer"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="remarks")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField()
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["comment", "question", "answer"]), name="remark_kind_known"
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="remark_says_something"),
        ]
