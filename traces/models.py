"""What is remembered. Events and traces grow for ever, so they are ranges of their UUIDv7 key from the first migration.

Their tables are made by raw SQL (``traces.migrations``): Django does not know partitions, and the append-only
rule is a trigger. Organizations and people are ids here, never foreign keys: memory is the ground on
which everything else stands, and it outlives what it tells of.
"""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThanOrEqual
from django.db.models.functions import Now

from traces import forgetting, inquiry, volume  # noqa: F401 (their tables belong to this app)
from traces.ids import uuid7
from traces.queries import TraceQuerySet
from traces.states import Machine


class Moving(models.Model):
    """A governed row with a status. ``traces.services.move`` is the only function that changes it."""

    machine: ClassVar[Machine]
    event_kind: ClassVar[str]
    """What events call such a row."""
    run_column: ClassVar[str]
    """Which column names the run that the row belongs to."""

    class Meta:
        abstract = True


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of the record, always inside one organization."""

    def within(self, organization: uuid.UUID) -> "EventQuerySet":
        """One organization's events, newest first."""
        return self.filter(organization=organization).order_by("-id")

    def about(self, organization: uuid.UUID, *subjects: uuid.UUID) -> "EventQuerySet":
        """Everything that happened to these rows, in order."""
        return self.filter(organization=organization, subject__in=subjects).order_by("id")


class Event(models.Model):
    """The envelope of one thing that happened: who, what, to which row, from, to, why. Never changed.

    ``digest`` is SHA-256 over the salt and the canonical detail, which live in ``EventDetail``: erasing those for a
    person's sake leaves the envelope, and with it the chain, verifiable.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=10)  # person, agent, system
    actor = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=64)
    subject_kind = models.CharField(max_length=32)
    subject = models.UUIDField()
    source = models.CharField(max_length=20, blank=True)  # status before; empty where nothing moved
    target = models.CharField(max_length=20, blank=True)  # status after
    reason = models.TextField(blank=True)
    run = models.UUIDField(null=True)
    trace_id = models.CharField(max_length=32, blank=True)
    span_id = models.CharField(max_length=16, blank=True)
    transaction = models.BigIntegerField()  # pg_current_xact_id: the sealer takes what is below the snapshot's xmin
    digest = models.BinaryField(max_length=32)

    objects = EventQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "traces_event"


class EventDetail(models.Model):
    """What an event's digest covers: the salt and the canonical JSON. Only erasure, an owner's act, removes it."""

    event = models.UUIDField(primary_key=True)
    organization = models.UUIDField()
    salt = models.BinaryField(max_length=16)
    detail = models.TextField()

    class Meta:
        managed = False
        db_table = "traces_eventdetail"


class BlockQuerySet(models.QuerySet["Block"]):
    """Reads of the seal."""

    def of(self, organization: uuid.UUID) -> "BlockQuerySet":
        """One organization's blocks in the order of their chains."""
        return self.filter(organization=organization).order_by("chain", "number")

    def after(self, chain: int, number: int) -> "BlockQuerySet":
        """Those behind this one."""
        return self.filter(TupleGreaterThan(Tuple("chain", "number"), (chain, number)))

    def upto(self, chain: int, number: int) -> "BlockQuerySet":
        """Those before this one, and itself."""
        return self.filter(TupleLessThanOrEqual(Tuple("chain", "number"), (chain, number)))


class Block(models.Model):
    """Up to a thousand events of one organization, sealed: their hashes in order, and a signature over all of it.

    ``events`` and ``leaves`` are the ids (16 bytes each) and hashes (32 bytes each), one after the other; ``horizon``
    is the transaction below which everything had been sealed, ``cluster`` the database in which transactions count so.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    chain = models.IntegerField()
    number = models.BigIntegerField()
    first = models.BigIntegerField()
    count = models.IntegerField()
    events = models.BinaryField()
    leaves = models.BinaryField()
    previous = models.BinaryField(max_length=32)
    head = models.BinaryField(max_length=32)
    horizon = models.BigIntegerField()
    sealed_at = models.DateTimeField()
    cluster = models.CharField(max_length=40)
    kid = models.CharField(max_length=64)
    signature = models.BinaryField(max_length=64)
    created = models.DateTimeField(db_default=Now())

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "chain", "number"], name="block_number_once"),
            models.CheckConstraint(condition=models.Q(count__gte=1, count__lte=1000), name="block_holds_some_events"),
        ]


class PromptPart(models.Model):
    """A piece of a prompt, kept once an organization however often it is sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    sha256 = models.BinaryField(max_length=32)
    content = models.TextField()
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "sha256"], name="prompt_part_once_an_organization"),
        ]


class Trace(models.Model):
    """One model call, as it was: what was sent, what came back, how sure the model was, what it cost."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    run = models.UUIDField()
    agent = models.UUIDField(null=True)  # who asked the model
    step = models.IntegerField()
    attempt = models.SmallIntegerField(default=1)
    at = models.DateTimeField(db_default=Now())
    model = models.CharField(max_length=200)
    model_version = models.CharField(max_length=200, blank=True)
    roles = ArrayField(models.CharField(max_length=20))  # of the prompt's messages, in order
    parts = ArrayField(models.UUIDField())  # their contents: PromptPart ids, in order
    answer = models.TextField()
    reasoning = models.TextField(blank=True)  # for developers and auditors, never for the initiator
    candidates = models.JSONField(default=list)
    chosen = models.CharField(max_length=100, blank=True)
    chosen_logprob = models.FloatField(null=True)
    alternatives = models.JSONField(default=list)
    schema_digest = models.CharField(max_length=80)
    tokens_in = models.IntegerField(null=True)
    tokens_out = models.IntegerField(null=True)
    cost = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    latency_ms = models.IntegerField()
    finish = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=100, blank=True)

    objects = TraceQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "traces_trace"
