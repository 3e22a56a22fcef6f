"""Who is told of what: occasions, notices, letters that were sent, and where people want to hear.

Nothing of this decides. Addresses are kept and ended, never changed. What a webhook's address and key are, only the
worker that sends can read (``WebhookKey``): the web account writes them once and never sees them again.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, Team, User
from tools.models import Tool
from traces.ids import uuid7

RISKS = ["low", "medium", "high"]


class Channel(models.TextChoices):
    """Through what a person hears. The list of notices in the page has everything, whatever else there is."""

    BROWSER = "browser"
    MAIL = "mail"
    WEBHOOK = "webhook"


class OccasionQuerySet(models.QuerySet["Occasion"]):
    """Reads of what people are to be told of."""

    def open(self) -> "OccasionQuerySet":
        """What nobody has been told of yet, oldest first."""
        return self.filter(routed_at=None).order_by("id")


class Occasion(models.Model):
    """That something happened of which people are told. Of an event, it has the event's own id, so there is only one.

    The database writes it in the transaction of the event (migration ``0026_notices``).
    """

    class Kind(models.TextChoices):
        """Where it comes from."""

        EVENT = "event"
        EXPIRING = "expiring"  # the time to decide is nearly over; ``mark`` is when
        TRIAL = "trial"  # a person wants to see whether notices reach them; ``subject`` is the person

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.UUIDField()
    mark = models.DateTimeField(null=True)
    created = models.DateTimeField(db_default=Now())
    routed_at = models.DateTimeField(null=True)

    objects = OccasionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject", "mark"], condition=models.Q(kind="expiring"), name="occasion_once_a_limit"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["event", "expiring", "trial"]), name="occasion_kind_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(routed_at__isnull=True), name="occasion_open"),
        ]


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices of one person in one organization."""

    def of(self, person: uuid.UUID, organization: uuid.UUID) -> "NoticeQuerySet":
        """What this person was told, newest first. Nobody sees anybody else's."""
        return self.filter(person_id=person, organization_id=organization).order_by("-id")

    def unread(self) -> "NoticeQuerySet":
        """Not read, and still worth reading."""
        return self.filter(read_at=None, over_at=None)


class Notice(models.Model):
    """What one person is told, as the list in the page shows it. ``over_at``: nothing is to be done about it now."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    occasion = models.ForeignKey(Occasion, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20)  # of approvals.notices.words
    subject = models.UUIDField()
    title = models.CharField(max_length=300)
    risk = models.CharField(max_length=8, blank=True)
    path = models.CharField(max_length=100)  # where to look, behind a session
    aloud = models.BooleanField(default=True)  # whether a browser may show it outside the page
    created = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)
    over_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["occasion", "person", "kind"], name="notice_once_a_person"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "organization", "-id"], name="notice_list"),
            models.Index(
                fields=["person", "organization"],
                condition=models.Q(read_at__isnull=True, over_at__isnull=True),
                name="notice_unread",
            ),
            models.Index(fields=["subject"], condition=models.Q(over_at__isnull=True), name="notice_subject"),
        ]


def _theirs(name: str) -> models.CheckConstraint:
    """That a row belongs to a person or to a team."""
    return models.CheckConstraint(
        condition=models.Q(person__isnull=True, team__isnull=False) | models.Q(person__isnull=False, team__isnull=True),
        name=name,
    )


class NoticeAddress(models.Model):
    """Where a person or a team wants to hear, and how the last attempt went. It is kept and ended, never changed."""

    class Fault(models.TextChoices):
        """What hinders: the mail server itself, or this very address."""

        NONE = ""
        SERVER = "server"
        ADDRESS = "address"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=8, choices=[("mail", "mail"), ("webhook", "webhook")])
    shown = models.CharField(max_length=254)  # the mail address; of a webhook's, the host alone
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    reached_at = models.DateTimeField(null=True)  # when something was last taken there
    fault = models.CharField(max_length=8, choices=Fault.choices, blank=True, default="")
    problem = models.CharField(max_length=300, blank=True, default="")
    failed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            _theirs("address_of_a_person_or_a_team"),
            models.CheckConstraint(condition=models.Q(channel__in=["mail", "webhook"]), name="address_channel_known"),
            models.UniqueConstraint(
                fields=["organization", "person"],
                condition=models.Q(channel="mail", ended_at__isnull=True, person__isnull=False),
                name="one_mail_address_a_person",
            ),
        ]


class WebhookKey(models.Model):
    """A webhook's address and the key that signs for it. Written once; only who sends can read it."""

    address = models.OneToOneField(NoticeAddress, on_delete=models.PROTECT, primary_key=True, related_name="+")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    url = models.TextField()
    key = models.CharField(max_length=100)  # as Standard Webhooks writes it: whsec_ and base64


class NoticeRoute(models.Model):
    """What goes to a person or a team through a channel: calls of a tool, or of all, from a risk on."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    address = models.ForeignKey(NoticeAddress, on_delete=models.PROTECT, null=True, related_name="+")
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, null=True, related_name="+")  # null: any
    risk = models.CharField(max_length=8, choices=[(risk, risk) for risk in RISKS])  # from this on
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            _theirs("route_of_a_person_or_a_team"),
            models.CheckConstraint(
                condition=models.Q(channel__in=["browser", "mail", "webhook"]), name="route_channel_known"
            ),
            models.CheckConstraint(condition=models.Q(risk__in=RISKS), name="route_risk_known"),
            models.CheckConstraint(
                condition=models.Q(channel="webhook", address__isnull=False)
                | (~models.Q(channel="webhook") & models.Q(address__isnull=True)),
                name="route_of_a_webhook_names_it",
            ),
        ]


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Reads of what is to be sent."""

    def due(self) -> "DeliveryQuerySet":
        """What is to be sent now and that nobody is sending, the most urgent first."""
        return self.filter(
            models.Q(claimed_until=None) | models.Q(claimed_until__lte=Now()), state="waiting", due_at__lte=Now()
        ).order_by("-urgent", "due_at", "id")


class Delivery(models.Model):
    """One letter or one call. Its id goes with it at every attempt, so that who gets it twice can tell."""

    class State(models.TextChoices):
        """How far it has come."""

        WAITING = "waiting"
        SENT = "sent"
        DROPPED = "dropped"  # before it was sent, nothing of it was worth saying any more
        GIVEN_UP = "given_up"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    address = models.ForeignKey(NoticeAddress, on_delete=models.PROTECT, related_name="deliveries")
    lines = models.JSONField(default=list)  # [{kind, title, risk, path, subject}], the first of them
    count = models.IntegerField(default=0)  # how many there are
    urgent = models.BooleanField(default=False)
    trial = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")
    created = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "sent", "dropped", "given_up"]), name="delivery_state_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], condition=models.Q(state="waiting"), name="delivery_due"),
        ]
