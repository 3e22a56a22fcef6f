"""The catalogue, the ledger of what was done, who does it, and what is stopped."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts.models import Agent, Organization, User
from accounts.roles import TierLevel
from tools.changes import AgentChange, DialChange, DialProposal, RightChange  # noqa: F401 (rows of this app)
from tools.queries import permitted_tools
from tools.states import EXECUTION, ExecutionStatus
from traces.ids import uuid7
from traces.models import Moving


class ToolVersion(models.Model):
    """What a tool is at one moment: its contract, and the hash of everything that changes what runs. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tool = models.ForeignKey("Tool", on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    hash = models.CharField(max_length=80)
    contract = models.JSONField()
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tool", "number"], name="tool_version_number_once"),
        ]


class ToolQuerySet(models.QuerySet["Tool"]):
    """Reads of the catalogue, always inside one organization."""

    def within(self, organization: uuid.UUID) -> "ToolQuerySet":
        """One organization's tools, by name."""
        return self.filter(organization_id=organization).select_related("version").order_by("name")

    def usable(self, organization: uuid.UUID, initiator: uuid.UUID, agent: uuid.UUID) -> "ToolQuerySet":
        """What this agent may propose for this person: both need the right, and the tool has to be on offer."""
        return self.filter(
            id__in=permitted_tools(initiator, organization, "use_tool"),
            organization_id=organization,
            agents=agent,
            enabled=True,
            forbidden=False,
        )


class Tool(models.Model):
    """One organization's setting of one tool: the dial, the tier, and which version is offered."""

    class MaturityLevel(models.TextChoices):
        """How freely the tool may act."""

        IN_THE_LOOP = "in_the_loop"
        ON_THE_LOOP = "on_the_loop"
        AUDIT_ONLY = "audit_only"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="tools")
    name = models.CharField(max_length=64)
    enabled = models.BooleanField(default=True)
    forbidden = models.BooleanField(default=False)
    recommend_only = models.BooleanField(default=False)
    tier = models.CharField(max_length=10, choices=TierLevel.choices, default=TierLevel.ADMIN)
    maturity = models.CharField(max_length=12, choices=MaturityLevel.choices, default=MaturityLevel.IN_THE_LOOP)
    veto_seconds = models.IntegerField(default=0)
    lifted = models.JSONField(
        default=dict
    )  # category → {reason, limit}: which categories no longer hold it in the loop
    version = models.ForeignKey(ToolVersion, on_delete=models.PROTECT, null=True, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    agents = models.ManyToManyField(Agent, through="AgentTool", related_name="tools")
    created = models.DateTimeField(db_default=Now())

    objects = ToolQuerySet.as_manager()

    class Meta:
        permissions: ClassVar = [
            ("use_tool", "Agents may use this tool for the person"),
            ("review_tool", "May decide on this tool's actions"),
            ("stop_tool", "May stop this tool"),
            ("configure_tool", "May set how freely this tool acts"),
            ("audit_tool", "May read what this tool did"),
        ]
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="tool_name_once_an_organization"),
            models.CheckConstraint(condition=models.Q(tier__in=TierLevel.values), name="tool_tier_known"),
            models.CheckConstraint(
                condition=models.Q(maturity__in=["in_the_loop", "on_the_loop", "audit_only"]),
                name="tool_maturity_known",
            ),
            models.CheckConstraint(condition=models.Q(veto_seconds__gte=0), name="tool_veto_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


class AgentTool(models.Model):
    """That an agent may propose calls of a tool. The initiator needs the right as well."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT)
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["agent", "tool"], name="agent_tool_once")]


class ToolUserObjectPermission(UserObjectPermissionBase):
    """guardian's grant of a tool permission to a person, with a real foreign key."""

    content_object = models.ForeignKey(Tool, on_delete=models.CASCADE)


class ToolGroupObjectPermission(GroupObjectPermissionBase):
    """guardian's grant of a tool permission to a team's group, with a real foreign key."""

    content_object = models.ForeignKey(Tool, on_delete=models.CASCADE)


class Resource(models.Model):
    """That a thing outside belongs to an organization: calls for anybody else that name it are refused."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32)  # as contracts call it in ``scope_fields``: "mailbox"
    identifier = models.CharField(max_length=200)  # exactly as arguments name it
    folded = models.CharField(max_length=400)  # equal for what a person may take for the same
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "identifier"], name="resource_of_one_organization"),
            models.UniqueConstraint(fields=["kind", "folded"], name="resource_not_taken_for_another"),
            models.CheckConstraint(
                condition=~(models.Q(kind="organization") | models.Q(identifier="")), name="resource_is_something"
            ),
        ]


class RightsVersion(models.Model):
    """Moves with every change of who may do what in an organization. The database writes it, by triggers alone."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True, related_name="+")
    version = models.BigIntegerField()


class Worker(models.Model):
    """One life of one process that claims work. Its advisory lock is free only when its session has ended."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role = models.CharField(max_length=20)
    host = models.CharField(max_length=120)  # boot id and process namespace: where the pid below means something
    pid = models.IntegerField()
    started_ticks = models.BigIntegerField()  # tells a reused pid from the process that was here
    lock_key = models.BigIntegerField(unique=True)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    steps = models.BigIntegerField(default=0, db_default=0)  # how often its work went on
    busy = models.BooleanField(default=False, db_default=False)  # whether it is at work, or waits for some


class Execution(Moving):
    """The ledger: a row with the unique key exists before the tool is called, and keeps what came of it."""

    machine = EXECUTION
    event_kind = "execution"
    run_column = "run"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.UUIDField(unique=True)
    run = models.UUIDField()
    permit = models.UUIDField(unique=True)  # a permit is used once
    key = models.CharField(max_length=80, unique=True)  # the idempotency key that the tool receives
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, related_name="+")
    tool_version = models.ForeignKey(ToolVersion, on_delete=models.PROTECT, related_name="+")
    arguments_digest = models.CharField(max_length=80)
    request_digest = models.CharField(max_length=80)
    status = models.CharField(max_length=12, choices=ExecutionStatus.choices, default=ExecutionStatus.CLAIMED)
    attempt = models.SmallIntegerField(default=1)
    fence = models.IntegerField(default=1)  # raised at every take-over; a record with an older fence is refused
    claimer = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="+")
    claimed_at = models.DateTimeField(db_default=Now())
    key_expires_at = models.DateTimeField(null=True)  # a keyed tool forgets the key; after that nothing is retried
    retry_at = models.DateTimeField(null=True)  # claimed again not before this time
    finished_at = models.DateTimeField(null=True)
    result = models.TextField(blank=True)  # canonical JSON
    error_code = models.CharField(max_length=64, blank=True)
    error_text = models.TextField(blank=True)
    evidence = models.TextField(blank=True)  # canonical JSON: was anything sent, what came back

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(status="claimed", finished_at__isnull=True)
                | (~models.Q(status="claimed") & models.Q(finished_at__isnull=False)),
                name="execution_finished_says_when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["claimer"], condition=models.Q(status="claimed"), name="execution_claimed"),
        ]


class KillSwitch(models.Model):
    """A stop: ARMED once its row is committed, QUIET once every claim in flight is accounted for."""

    class Scope(models.TextChoices):
        """What is stopped."""

        EVERYTHING = "everything"
        ORGANIZATION = "organization"
        TOOL = "tool"
        AGENT = "agent"
        INITIATOR = "initiator"
        RUN = "run"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True, related_name="+")
    scope = models.CharField(max_length=12, choices=Scope.choices)
    target = models.UUIDField(null=True)
    scope_key = models.CharField(max_length=60)  # what actions carry in ``scopes``: "tool:<id>", "everything"
    epoch = models.BigIntegerField(unique=True)  # from a sequence; permits signed under an older one are void
    reason = models.TextField()
    engaged_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    armed_at = models.DateTimeField(db_default=Now())
    quiet_at = models.DateTimeField(null=True)
    eased_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    eased_at = models.DateTimeField(null=True)  # from here people decide again, and still nothing leaves
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True)
    release_reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(scope__in=["everything", "organization", "tool", "agent", "initiator", "run"]),
                name="kill_scope_known",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="kill_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(released_by__isnull=True, released_at__isnull=True)
                | models.Q(released_by__isnull=False, released_at__isnull=False),
                name="kill_released_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(released_by__isnull=True) | ~models.Q(released_by=models.F("engaged_by")),
                name="kill_released_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=models.Q(eased_by__isnull=True) | ~models.Q(eased_by=models.F("engaged_by")),
                name="kill_eased_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=models.Q(eased_by__isnull=True, eased_at__isnull=True)
                | models.Q(eased_by__isnull=False, eased_at__isnull=False),
                name="kill_eased_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(released_at__isnull=True)
                | models.Q(eased_at__isnull=False, released_at__gte=models.F("eased_at")),
                name="kill_eased_before_released",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["scope_key", "epoch"], name="kill_by_scope")]


class OutboxMessage(models.Model):
    """What the demo tool ``send_message`` did: the world's side of a *keyed* tool, which remembers every key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    key = models.CharField(max_length=80, unique=True)
    to = models.TextField()
    subject = models.TextField()
    body = models.TextField()
    sent_at = models.DateTimeField(db_default=Now())


class Note(models.Model):
    """What the demo tool ``write_note`` did: the world's side of a tool that is *neither*; it cannot tell a repeat."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.UUIDField()
    about = models.TextField(blank=True)
    text = models.TextField()
    written_at = models.DateTimeField(db_default=Now())
