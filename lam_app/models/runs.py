"""The mind's rows: runs, their steps and their reports."""

import uuid
from typing import ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import OuterRef
from django.db.models.functions import JSONObject, Now

from accounts.models import Agent, Organization, User
from approvals.models import Action
from lam_app.states import RUN, RunStatus
from tools.models import Worker
from traces.ids import uuid7
from traces.models import Moving, Trace


class RunQuerySet(models.QuerySet["Run"]):
    """Reads of runs, always inside one organization."""

    def within(self, organization: uuid.UUID) -> "RunQuerySet":
        """One organization's runs, newest first."""
        return self.filter(organization_id=organization).with_people().order_by("-id")

    def with_people(self) -> "RunQuerySet":
        """With whose it is, and without the initiator's password hash, which the worker role may not read."""
        return self.select_related("initiator", "agent", "organization").defer("initiator__password")

    def to_plan(self) -> "RunQuerySet":
        """With people, and with what a planner's turn begins from: ``at``, the time by the database's clock, and
        ``failed``, the error of every earlier call for the next step, by whichever planner, oldest first; and
        ``intended``, every version of the plan; and ``files``, what is attached, without its bytes.
        """
        calls = Trace.objects.filter(run=OuterRef("pk"), step=OuterRef("step") + 1).order_by("id")
        plans = RunPlan.objects.filter(run=OuterRef("pk")).order_by("number")
        told = JSONObject(goal="goal", steps="steps", missing="missing", author="author_id", created="created")
        from lam_app.models.inputs import Attachment  # it names runs

        files = Attachment.objects.filter(run=OuterRef("pk")).order_by("number")
        file = JSONObject(
            name="name", kind="content__kind", media="content__media", text="content__text", digest="content__sha256"
        )
        return self.with_people().annotate(
            at=Now(),
            failed=ArraySubquery(calls.values("error")),
            intended=ArraySubquery(plans.values(told=told)),
            files=ArraySubquery(files.values(file=file)),
        )

    def started_by(self, user: uuid.UUID) -> "RunQuerySet":
        """What this person asked for."""
        return self.filter(initiator_id=user)


class Run(Moving):
    """One goal that a person gave, and where it stands."""

    machine = RUN
    event_kind = "run"
    run_column = "id"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    initiator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    goal = models.TextField()
    context = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=RunStatus.choices, default=RunStatus.SUBMITTED)
    scopes = ArrayField(models.CharField(max_length=60))  # every kill switch that could stop it
    client_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null is "none given", and not unique
    step = models.IntegerField(default=0)  # the last one that the mind has proposed
    planner = models.ForeignKey(Worker, on_delete=models.PROTECT, null=True, related_name="+")
    planner_until = models.DateTimeField(null=True)  # another planner may take over after this
    question = models.TextField(blank=True)  # what the initiator has to answer
    problem = models.TextField(blank=True)  # why it needs a person, or failed
    undo_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # who wants it taken back
    undo_from = models.IntegerField(default=0)  # steps after this one belong to the undoing under way
    created = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "initiator", "client_key"], name="run_client_key_once"),
            models.CheckConstraint(condition=~models.Q(goal=""), name="run_has_a_goal"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["status", "id"],
                condition=models.Q(status__in=["submitted", "planning", "waiting", "undoing"]),
                name="run_moving",
            ),
            models.Index(fields=["organization", "-id"], name="run_list"),
        ]


class Step(models.Model):
    """A number within a run: what the model proposed there, and the action that it became."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="steps")
    number = models.IntegerField()
    intent = models.TextField()  # canonical JSON, as it was read
    action = models.OneToOneField(Action, on_delete=models.PROTECT, null=True, related_name="step_row")
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "number"], name="step_number_once_a_run")]


class RunPlan(models.Model):
    """What a run means to do: as the agent planned it, or as the initiator corrected it. A change is the next number.

    ``steps`` are ``[{tool, does, arguments: [{name, value}], after: [number]}]``, the model's word; what becomes of
    them is told by the actions. A correction has none: the next call is asked for a plan anew.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="plans")
    number = models.IntegerField()
    goal = models.TextField()  # restated
    steps = models.JSONField(default=list)
    missing = models.JSONField(default=list)  # what the agent says it does not know
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # null: the agent
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "number"], name="plan_number_once_a_run")]


class Report(models.Model):
    """What a run did, from the ledger, and beside it what the model says of it, marked as its word."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="report")
    lines = models.JSONField()  # [{step, action, tool, summary, status, in_ledger, reversible}], as the rows tell it
    claim = models.TextField(blank=True)
    created = models.DateTimeField(db_default=Now())
