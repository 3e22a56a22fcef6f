"""What people attach to a goal: bytes by their digest, once an organization, and the runs that have them."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization
from lam_app.models.runs import Run
from traces.ids import uuid7


class Content(models.Model):
    """Bytes that somebody attached, and what was read in them. Never changed: the digest is what they are.

    ``text`` is what the agent can be told of them, empty for an image; ``notes`` say what a person should know.
    """

    class Kind(models.TextChoices):
        """What the bytes are, judged by themselves."""

        TEXT = "text"
        CSV = "csv"
        PDF = "pdf"
        IMAGE = "image"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    media = models.CharField(max_length=40)  # such as image/png; what a model is told, never what a browser is
    size = models.IntegerField()  # bytes
    text = models.TextField(blank=True)
    notes = models.JSONField(default=list)
    data = models.BinaryField()
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "sha256"], include=["size"], name="content_once_an_organization"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["text", "csv", "pdf", "image"]), name="content_kind_known"
            ),
            models.CheckConstraint(condition=models.Q(size__gte=1), name="content_is_not_empty"),
        ]


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Reads of what is attached, always inside one organization, and without the bytes."""

    def within(self, organization: uuid.UUID) -> "AttachmentQuerySet":
        """One organization's, in the order in which they were attached."""
        found = self.filter(organization_id=organization).select_related("content")
        return found.defer("content__data", "content__text").order_by("run_id", "number")


class Attachment(models.Model):
    """A file that came with a goal. Its name is the sender's word, like everything in it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="attachments")
    number = models.IntegerField()  # from 1
    name = models.CharField(max_length=120)
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(db_default=Now())

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="attachment_number_once_a_run"),
            models.CheckConstraint(condition=~models.Q(name=""), name="attachment_has_a_name"),
        ]
