"""What people keep for themselves: views of the inbox under a name of their own."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, User
from traces.ids import uuid7


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Views of one person in one organization."""

    def of(self, owner: User, organization: Organization) -> "SavedViewQuerySet":
        """What this person keeps, by name. Nobody sees anybody else's."""
        return self.filter(owner=owner, organization=organization, forgotten_at=None).order_by("name", "id")


class SavedView(models.Model):
    """That a person gave a name to an address of the inbox. It is kept and forgotten, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=600)  # what stands behind the inbox's "?", as the inbox itself writes it
    created = models.DateTimeField(db_default=Now())
    forgotten_at = models.DateTimeField(null=True)  # no process deletes rows

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "owner", "name"],
                condition=models.Q(forgotten_at__isnull=True),
                name="view_name_once_a_person",
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="view_has_a_name"),
        ]
