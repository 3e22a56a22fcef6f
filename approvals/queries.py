"""Reads of actions. Every one of them starts from an organization; what a person may see is part of the query."""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q

from approvals.states import ActionStatus
from tools.models import KillSwitch

if TYPE_CHECKING:
    from approvals.models import Action  # noqa: F401


class ActionQuerySet(models.QuerySet["Action"]):
    """Actions of one organization, narrowed by who asks."""

    def within(self, organization: uuid.UUID) -> "ActionQuerySet":
        """One organization's actions. Someone else's are as if they did not exist."""
        return self.filter(organization_id=organization)

    def reviewable_by(self, user: uuid.UUID, tools: list[uuid.UUID]) -> "ActionQuerySet":
        """What this person may decide on: these tools' actions, and none that acts for the person."""
        return self.filter(tool_id__in=tools).exclude(principals__contains=[user])

    def waiting(self) -> "ActionQuerySet":
        """In review, oldest first."""
        return self.filter(status=ActionStatus.IN_REVIEW).order_by("created", "id")

    def unknown_outcome(self) -> "ActionQuerySet":
        """Whose outcome a person has to find out, oldest first."""
        return self.filter(status=ActionStatus.UNCERTAIN).order_by("created", "id")

    def unroutable(self) -> "ActionQuerySet":
        """In review, and nobody could decide when it was ruled, oldest first."""
        return self.waiting().exclude(unroutable="")

    def let_go(self) -> "ActionQuerySet":
        """Those over which no stop is engaged. What a stop keeps back has to keep nothing else from its turn: a list
        that is read from its oldest end would be full of it for as long as the stop stands.
        """
        over = Func(
            F("scope_key"),
            OuterRef("scopes"),
            template="%(expressions)s)",
            arg_joiner=" = ANY (",
            output_field=models.BooleanField(),
        )
        return self.filter(~Exists(KillSwitch.objects.filter(over, released_at=None)))

    def of_run(self, run: uuid.UUID) -> "ActionQuerySet":
        """A run's actions in the order of its steps."""
        return self.filter(run=run).order_by("step")

    def after(self, created: object, pk: uuid.UUID) -> "ActionQuerySet":
        """The page that follows a row of an ascending list (keyset paging: no offsets, no counts)."""
        return self.filter(Q(created__gt=created) | Q(created=created, id__gt=pk))
