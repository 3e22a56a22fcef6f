"""Addresses at which another program may set off one fixed goal, and what came in at them."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from lam_app.models.runs import Run
from traces.ids import uuid7


class HookQuerySet(models.QuerySet["Hook"]):
    """Reads of hooks, always inside one organization."""

    def within(self, organization: uuid.UUID) -> "HookQuerySet":
        """One organization's, newest first, with their people."""
        found = self.filter(organization_id=organization).select_related("person").defer("person__password")
        return found.order_by("-id")


class Hook(models.Model):
    """An address that gives one person's goal when a signed message arrives. What the message says is attached to it.

    The secret is nowhere kept: it is derived from the web role's own key and ``salt``, so that neither the database
    nor a copy of it holds anything with which a message could be signed. Another salt is another secret.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    goal = models.TextField()
    salt = models.CharField(max_length=32)
    ended_at = models.DateTimeField(null=True)
    created = models.DateTimeField(db_default=Now())

    objects = HookQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(goal=""), name="hook_has_a_goal"),
            models.CheckConstraint(condition=~models.Q(salt=""), name="hook_has_a_salt"),
        ]
        indexes: ClassVar = [models.Index(fields=["organization", "-id"], name="hook_list")]


class Delivery(models.Model):
    """One message that was accepted, by the id that its sender gave it, and the run that it became. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    hook = models.ForeignKey(Hook, on_delete=models.PROTECT, related_name="deliveries")
    message = models.CharField(max_length=128)
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="delivery")
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hook", "message"], name="message_once_a_hook"),
        ]
        indexes: ClassVar = [models.Index(fields=["hook", "created"], name="delivery_rate")]
