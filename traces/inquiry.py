"""What somebody asks the sealer for: to verify the record, to export it, to put evidence together; and what came of it.

The web cannot do these: it holds no key, and reads one organization at a time for as long as a page takes. So it asks
by a row, and the sealer works it off in slices between its passes.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from traces.ids import uuid7


class InquiryQuerySet(models.QuerySet["Inquiry"]):
    """Reads of what was asked of the sealer."""

    def within(self, organization: uuid.UUID) -> "InquiryQuerySet":
        """One organization's, newest first."""
        return self.filter(organization=organization).order_by("-id")

    def about(self, organization: uuid.UUID, subject: uuid.UUID) -> "InquiryQuerySet":
        """Evidence of one action or run, newest first."""
        return self.within(organization).filter(subject=subject)

    def under_way(self) -> "InquiryQuerySet":
        """Those that are not over, oldest first."""
        return self.filter(state=Inquiry.State.WAITING).order_by("id")


class Inquiry(models.Model):
    """What somebody asked the sealer for: it alone reads the whole record, and it alone holds the key that signs.

    ``found`` is what came of it and ``parts`` the file, for a while; both are the sealer's word. ``worker`` is the
    process that is at it, ``touched_at`` when it last said so.
    """

    class Kind(models.TextChoices):
        """What is asked for."""

        VERIFY = "verify"
        EXPORT = "export"
        EVIDENCE = "evidence"

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    kind = models.CharField(max_length=10)
    subject_kind = models.CharField(max_length=10, blank=True)  # of evidence: action or run
    subject = models.UUIDField(null=True)
    since = models.DateTimeField(null=True)  # of an export: blocks that were sealed from here on
    until = models.DateTimeField(null=True)  # and before this
    asked_by = models.UUIDField()
    asked_name = models.CharField(max_length=150)
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, default=State.WAITING)
    seen = models.BigIntegerField(default=0)  # events read so far
    expected = models.BigIntegerField(default=0)  # about how many there are
    found = models.JSONField(default=dict)
    problem = models.TextField(blank=True)  # why it failed, in words
    size = models.BigIntegerField(default=0)  # bytes of the file
    sha256 = models.CharField(max_length=64, blank=True)
    worker = models.UUIDField(null=True)
    touched_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = InquiryQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["verify", "export", "evidence"]), name="inquiry_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "failed"]), name="inquiry_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="waiting")
                | models.Q(found={}, problem="", size=0, sha256="", finished_at__isnull=True),
                name="inquiry_waiting_says_nothing",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="evidence", subject__isnull=False, subject_kind__in=["action", "run"])
                | (~models.Q(kind="evidence") & models.Q(subject__isnull=True, subject_kind="")),
                name="inquiry_evidence_of_something",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "kind", "-id"], name="inquiry_list"),
            models.Index(
                fields=["subject", "-id"], condition=models.Q(subject__isnull=False), name="inquiry_of_subject"
            ),
            models.Index(fields=["id"], condition=models.Q(state="waiting"), name="inquiry_under_way"),
        ]


class InquiryPart(models.Model):
    """A piece of the file that came of an inquiry, compressed (zlib). Dropped after a while; the inquiry stays."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    inquiry = models.ForeignKey(Inquiry, on_delete=models.PROTECT, related_name="parts")
    number = models.IntegerField()  # from 0
    data = models.BinaryField()
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["inquiry", "number"], name="part_once_an_inquiry")]
        indexes: ClassVar = [models.Index(fields=["created"], name="part_age")]


class Outlet(models.Model):
    """How far the checkpoints have been told to the address outside: one row for the whole installation."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    told = models.BigIntegerField(db_default=0)  # bytes of the checkpoints' file that were taken there
    behind = models.BigIntegerField(db_default=0)  # bytes that were not
    attempts = models.IntegerField(db_default=0)  # since it last went well
    told_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # the next attempt
    problem = models.TextField(blank=True, db_default="")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="outlet_once")]
