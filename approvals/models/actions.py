"""The gate's rows: actions, what exactly they are, who decided, and the permits that were signed."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.models import Agent, Organization, User
from approvals.codes import BY_VALUE
from approvals.queries import URGENCY, ActionQuerySet
from approvals.states import ACTION, ActionStatus
from tools.models import Tool, ToolVersion
from traces.ids import uuid7
from traces.models import Moving

RUNS = ["scheduled", "permitted", "executing", "done", "failed", "uncertain", "undone"]
"""Statuses from which something runs, or ran: a canary is in none of them, ever."""


class PolicyVersion(models.Model):
    """An organization's policy at one moment. Never changed: a change is the next number."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    number = models.IntegerField()
    settings = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "number"], name="policy_number_once_an_organization"),
        ]


class Action(Moving):
    """An intent under the gate. What it is stands in its revisions; this row holds where it stands."""

    machine = ACTION
    event_kind = "action"
    run_column = "run"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    run = models.UUIDField()
    step = models.IntegerField()
    origin = models.CharField(max_length=10)  # planner | agent | undo
    initiator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    principals = ArrayField(models.UUIDField())  # every person this action acts for: none of them may decide on it
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, null=True, related_name="+")  # null: no such tool
    tool_name = models.CharField(max_length=200)  # as it was asked for
    scopes = ArrayField(models.CharField(max_length=60))  # every kill switch that could stop it
    status = models.CharField(max_length=12, choices=ActionStatus.choices, default=ActionStatus.PROPOSED)
    verdict = models.CharField(max_length=12)
    risk = models.CharField(max_length=8)
    maturity = models.CharField(max_length=12)
    quorum = models.SmallIntegerField(default=1)
    teams = models.JSONField(default=list)  # [[team, how many]]: all of these among those who approve
    unroutable = models.TextField(blank=True)  # why nobody could approve this; empty where enough people can
    revision = models.SmallIntegerField(default=1)  # the number of the current one
    digest = models.CharField(max_length=80)  # of the current revision: what a decision has to name
    summary = models.TextField()  # one sentence made by us from the arguments
    reasoning = models.TextField(blank=True)  # the agent's claim, unverified
    confidence = models.FloatField(null=True)  # from the model's token probabilities
    stated_confidence = models.FloatField(null=True)  # what the agent says of itself: shown, never used
    undo_of = models.UUIDField(null=True)  # the action that this one takes back
    assignee = models.ForeignKey(  # who looks at it now
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    assigned_until = models.DateTimeField(null=True)  # after this moment it is anybody's again
    held_by = models.ForeignKey(  # who set it aside
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    held_at = models.DateTimeField(null=True)
    held_reason = models.TextField(blank=True)
    asked_at = models.DateTimeField(null=True)  # a question to the initiator that nobody has answered yet
    voted_at = models.DateTimeField(null=True)  # the first yes where more are needed; the database's own to set
    escalated_at = models.DateTimeField(null=True)  # when a reviewer, or time, asked others to look too
    extended = models.SmallIntegerField(default=0, db_default=0)  # how often people gave themselves more time
    canary = models.BooleanField(default=False, db_default=False)  # known to be bad; nothing permits it, ever
    due_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    trace = models.UUIDField(null=True)
    created = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "step"], name="one_action_a_step"),
            models.UniqueConstraint(
                fields=["undo_of"],
                condition=models.Q(undo_of__isnull=False)
                & ~models.Q(status__in=["denied", "rejected", "expired", "withdrawn", "halted", "failed"]),
                name="one_undo_that_may_happen",
            ),
            models.CheckConstraint(condition=models.Q(quorum__gte=1), name="action_quorum_positive"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["allow", "veto_window", "review", "deny"]), name="action_verdict_known"
            ),
            models.CheckConstraint(condition=models.Q(principals__len__gt=0), name="action_has_principals"),
            models.CheckConstraint(
                condition=models.Q(canary=False) | ~models.Q(status__in=RUNS),
                name="action_canary_never_runs",
            ),
            models.CheckConstraint(
                condition=models.Q(assignee__isnull=True, assigned_until__isnull=True)
                | models.Q(assignee__isnull=False, assigned_until__isnull=False),
                name="action_taken_for_a_while",
            ),
            models.CheckConstraint(
                condition=models.Q(held_by__isnull=True, held_at__isnull=True, held_reason="")
                | (models.Q(held_by__isnull=False, held_at__isnull=False) & ~models.Q(held_reason="")),
                name="action_set_aside_by_somebody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["undo_of"], condition=models.Q(undo_of__isnull=False, status="done"), name="action_undoes"
            ),
            models.Index(
                "tool", URGENCY, "created", "id", condition=models.Q(status="in_review"), name="action_inbox_tool"
            ),
            models.Index(
                "organization",
                URGENCY,
                "created",
                "id",
                condition=models.Q(status="in_review"),
                name="action_inbox_all",
            ),
            models.Index(
                fields=["tool", "expires_at", "id"], condition=models.Q(status="in_review"), name="action_inbox_soon"
            ),
            models.Index(fields=["assignee"], condition=models.Q(assignee__isnull=False), name="action_taken"),
            models.Index(
                fields=["organization"],
                condition=models.Q(status="in_review", held_at__isnull=False),
                name="action_aside",
            ),
            models.Index(
                fields=["organization"],
                condition=models.Q(status="in_review", voted_at__isnull=False),
                name="action_voted",
            ),
            models.Index(
                fields=["organization"],
                condition=models.Q(status="in_review", undo_of__isnull=False),
                name="action_undoing",
            ),
            models.Index(fields=["created", "id"], condition=models.Q(status="in_review"), name="action_inbox"),
            models.Index(
                fields=["created", "id"],
                condition=models.Q(status="in_review") & ~models.Q(unroutable=""),
                name="action_unroutable",
            ),
            models.Index(
                fields=["organization", "created", "id"],
                condition=models.Q(status="in_review", escalated_at__isnull=False),
                name="action_escalated",
            ),
            models.Index(
                fields=["tool", "id"],
                condition=models.Q(status__in=["done", "failed", "uncertain", "undone", "rejected"]),
                name="action_alike",
            ),
            models.Index(
                fields=["expires_at", "tool", "id"],
                condition=models.Q(status__in=["in_review", "permitted"]),
                name="action_expiring",
            ),
            models.Index(
                fields=["organization", "initiator"],
                condition=models.Q(status__in=["proposed", "in_review"]),
                name="action_waiting",
            ),
            models.Index(
                fields=["agent"],
                condition=models.Q(status__in=["proposed", "in_review"]),
                name="action_waiting_agent",
            ),
            models.Index(
                fields=["status", "id"],
                condition=models.Q(status__in=["proposed", "scheduled", "permitted", "executing", "uncertain"]),
                name="action_moving",
            ),
        ]


class Revision(models.Model):
    """What an action is: the exact bytes, the request they become, the facts that were judged and the ruling."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="revisions")
    number = models.SmallIntegerField(default=1)
    tool_version = models.ForeignKey(ToolVersion, on_delete=models.PROTECT, null=True, related_name="+")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    arguments = models.TextField()  # canonical JSON: what was shown, hashed and will be sent
    arguments_digest = models.CharField(max_length=80)
    request = models.TextField()  # canonical JSON of prepare(arguments), credentials left out
    request_digest = models.CharField(max_length=80)
    digest = models.CharField(max_length=80)
    facts = models.TextField()  # canonical JSON: replayable
    considered = models.JSONField(default=list)  # [{tool, why_not}]: what the agent says it left aside, unverified
    ruling = models.TextField()  # canonical JSON
    author = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+"
    )  # who edited; null: the agent
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["action", "number"], name="revision_number_once_an_action"),
        ]


class Decision(models.Model):
    """A person's word on one revision. The database copies the principals, and none of them can be the decider."""

    class Verb(models.TextChoices):
        """What was decided."""

        APPROVE = "approve"
        REJECT = "reject"
        HAPPENED = "happened"
        DID_NOT_HAPPEN = "did_not_happen"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="decisions")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="decisions")
    decider = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    principals = ArrayField(models.UUIDField(), default=list)
    verb = models.CharField(max_length=14, choices=Verb.choices)
    digest = models.CharField(max_length=80)  # what the decider saw
    code = models.CharField(max_length=24, blank=True, db_default="")  # why, as a word of approvals.codes
    reason = models.TextField(blank=True)
    seconds = models.FloatField(null=True)  # from the card's last opening by the decider; null: not known
    folds = models.SmallIntegerField(default=0, db_default=0)  # folded values that there were
    opened = models.SmallIntegerField(default=0, db_default=0)  # of these, how many the decider had opened
    among = models.SmallIntegerField(default=0, db_default=0)  # of a table, decided at once; 0: this alone
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["revision", "decider"],
                condition=models.Q(verb__in=["approve", "reject"]),
                name="one_vote_a_person",
            ),
            models.CheckConstraint(
                condition=models.Q(verb__in=["approve", "reject", "happened", "did_not_happen"]),
                name="decision_verb_known",
            ),
            models.CheckConstraint(condition=models.Q(code__in=["", *BY_VALUE]), name="decision_code_known"),
            models.CheckConstraint(condition=models.Q(code="") | models.Q(verb="reject"), name="decision_code_of_a_no"),
            models.CheckConstraint(
                condition=models.Q(seconds__isnull=True) | models.Q(seconds__gte=0),
                name="decision_seconds_not_negative",
            ),
            # "NOT decider = ANY (principals)" is added as SQL in the migration: the rule of promise 7.
        ]


class Permit(models.Model):
    """A signed, expiring, single-use leave for exactly one revision. The token is what executors check."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="permits")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    run = models.UUIDField()
    tool_version = models.ForeignKey(ToolVersion, on_delete=models.PROTECT, related_name="+")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    deciders = ArrayField(models.UUIDField())
    principals = ArrayField(models.UUIDField())
    epoch = models.BigIntegerField()  # of the newest kill over its scopes when it was signed
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField()
    kid = models.CharField(max_length=64)
    token = models.TextField()
    created = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)
    revoked_because = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["action"], condition=models.Q(revoked_at__isnull=True), name="one_live_permit_an_action"
            ),
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("not_before")), name="permit_has_a_life"),
            # "NOT deciders && principals" is added as SQL in the migration.
        ]
