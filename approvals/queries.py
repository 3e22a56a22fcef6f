"""Reads of actions. Every one of them starts from an organization; what a person may see is part of the query.

The reads of lists have partial indexes of their own, whose conditions they repeat word for word: what waits is found
among millions of rows that do not. As the web account, row security comes before every condition that could tell
something of other rows, so what a list is found by are plain comparisons of columns.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import Case, Exists, F, Func, OuterRef, Q, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from approvals.states import ActionStatus
from tools.models import KillSwitch

if TYPE_CHECKING:
    from approvals.models import Action  # noqa: F401

URGENCY: Final = Case(
    When(risk="high", then=Value(0)),
    When(risk="medium", then=Value(1)),
    default=Value(2),
    output_field=models.SmallIntegerField(),
)
"""High risk first; what nobody has a word for counts as low."""
MANY: Final = 40
"""Tools. For a person with more, rows are looked for in order rather than tool by tool."""


class ActionQuerySet(models.QuerySet["Action"]):
    """Actions of one organization, narrowed by who asks."""

    def within(self, organization: uuid.UUID) -> "ActionQuerySet":
        """One organization's actions. Someone else's are as if they did not exist."""
        return self.filter(organization_id=organization)

    def reviewable_by(self, user: uuid.UUID, tools: Sequence[uuid.UUID]) -> "ActionQuerySet":
        """What this person may decide on: these tools' actions, and none that acts for the person."""
        return self.of_tools(tools).exclude(principals__contains=[user])

    def of_tools(self, tools: Sequence[uuid.UUID]) -> "ActionQuerySet":
        """These tools' actions. The tools are one parameter, which costs less than one each where many are."""
        if not tools:
            return self.none()
        any_of = Func(
            F("tool_id"),
            Value(list(tools), output_field=ArrayField(models.UUIDField())),
            template="%(expressions)s)",
            arg_joiner=" = ANY (",
            output_field=models.BooleanField(),
        )
        return self.filter(any_of)

    def in_review(self) -> "ActionQuerySet":
        """Whatever people have to decide on, what was set aside included."""
        return self.filter(status=ActionStatus.IN_REVIEW)

    def waiting(self) -> "ActionQuerySet":
        """In review and not set aside, oldest first."""
        return self.in_review().filter(held_at=None).order_by("created", "id")

    def set_aside(self) -> "ActionQuerySet":
        """In review, and a person put it aside."""
        return self.in_review().filter(held_at__isnull=False)

    def taken_by(self, user: uuid.UUID) -> "ActionQuerySet":
        """What this person said to be looking at, for as long as that holds."""
        return self.filter(assignee_id=user, assigned_until__gt=Now())

    def nobodys(self) -> "ActionQuerySet":
        """Waiting, and nobody looks at it."""
        return self.waiting().filter(Q(assignee_id=None) | Q(assigned_until__lte=Now()))

    def running_out(self, by: dt.datetime) -> "ActionQuerySet":
        """In review, and the time to decide is over by then."""
        return self.in_review().filter(expires_at__lte=by)

    def missing_a_vote(self, of: uuid.UUID) -> "ActionQuerySet":
        """Waiting, with somebody's yes to what it is now, and without this person's word on it."""
        from approvals.models import Decision

        said = Decision.objects.filter(action=OuterRef("pk"), revision__number=OuterRef("revision"))
        yes = said.filter(verb=Decision.Verb.APPROVE)
        return self.waiting().filter(Exists(yes), ~Exists(said.filter(decider=of)), voted_at__isnull=False)

    def unknown_outcome(self) -> "ActionQuerySet":
        """Whose outcome a person has to find out, oldest first."""
        return self.filter(status=ActionStatus.UNCERTAIN).order_by("created", "id")

    def undoing(self) -> "ActionQuerySet":
        """In review, and it takes another action back."""
        return self.in_review().filter(undo_of__isnull=False)

    def escalated(self) -> "ActionQuerySet":
        """In review, and a reviewer, or time, brought it before more people, oldest first."""
        return self.in_review().filter(escalated_at__isnull=False).order_by("created", "id")

    def unroutable(self) -> "ActionQuerySet":
        """In review, and nobody could decide when it was ruled, oldest first."""
        return self.in_review().exclude(unroutable="").order_by("created", "id")

    def under(self, stops: Iterable[KillSwitch]) -> "ActionQuerySet":
        """Those that one of these stops keeps back."""
        column = {"tool": "tool_id", "agent": "agent_id", "initiator": "initiator_id", "run": "run"}
        any_of = Q()
        for stop in stops:
            if stop.scope not in column:
                return self
            any_of |= Q(**{column[stop.scope]: stop.target})
        return self.filter(any_of) if any_of else self.none()

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

    def behind(self, keys: Sequence[str], place: Sequence[Any]) -> "ActionQuerySet":
        """The rows that follow a place in an ascending order (keyset paging: no offsets, no counts)."""
        here = Func(*map(F, keys), function="ROW", output_field=models.TextField())
        there = Func(*map(Value, place), function="ROW", output_field=models.TextField())
        after = Func(here, there, template="%(expressions)s", arg_joiner=" > ", output_field=models.BooleanField())
        return self.filter(after)

    def first_of(self, tools: Sequence[uuid.UUID], number: int) -> "ActionQuerySet":
        """The first so many in the order that this has, of these tools.

        They are looked for tool by tool, so that no tool's thousands have to be passed to reach another's few. What is
        found so is fetched by its ids alone: the conditions hold of it, and repeated they would offer another way to
        look for it all once more.
        """
        if len(tools) > MANY:
            return self.of_tools(tools)[:number]
        try:
            sql, params = self.each_of(tools, number)
        except EmptyResultSet:
            return self.none()
        found = RawSQL(f'"approvals_action"."id" = ANY (ARRAY({sql}))', params, models.BooleanField())  # noqa: S611
        return self.model.objects.alias(urgency=URGENCY).filter(found).order_by(*self.query.order_by)[:number]

    def each_of(self, tools: Sequence[uuid.UUID], number: int) -> tuple[str, tuple[Any, ...]]:
        """SQL for the ids of the first so many of each of these tools. Raises ``EmptyResultSet`` if there is none."""
        one = self.filter(tool_id=RawSQL("reviewable.tool", (), models.UUIDField())).values("pk")[:number]
        sql, params = one.query.sql_with_params()
        each = "SELECT of_tool.id FROM unnest(%s::uuid[]) AS reviewable(tool) CROSS JOIN LATERAL"
        return f"{each} ({sql}) AS of_tool(id)", (list(tools), *params)
