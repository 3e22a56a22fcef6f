"""Stops over HTTP: engage one, read what is stopped. Releasing one is a person's act, on the page."""

import uuid
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from django.db.models import Q
from ninja import Query, Router
from ninja.responses import Status
from pydantic import ConfigDict, Field

from accounts.api import AGENT, AUDIT, OPERATE, ApiRequest, Bearer, Identity, refusals_remembered
from accounts.models import Agent, Membership
from approvals.models import Action
from lam_app.models import Run
from tools.exceptions import MayNotStop
from tools.killswitch import engage, stop_own_run
from tools.listing import engaged
from tools.models import KillSwitch, Tool
from traces.exceptions import DomainError
from traces.wire import READS, WRITES_ONE, Answer, Body, Page, cut

router = Router(tags=["kill switches"])


class NothingToStop(DomainError):
    """There is no such thing here."""

    http_status: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"


class StopIn(Body):
    """What to stop and why. `target` is the tool's, agent's, person's or run's id; an organization needs none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "scope": "run",
                    "target": "0193a1b2-0000-7000-8000-000000000001",
                    "reason": "The customer wrote that the order has arrived.",
                }
            ]
        }
    )
    scope: Literal["organization", "tool", "agent", "initiator", "run"]
    target: uuid.UUID | None = Field(default=None, strict=False)
    reason: str = Field(min_length=1, max_length=2_000)


class StopOut(Answer):
    """A stop. From `armed` on nothing begins; from `quiet` on nothing that had begun is under way."""

    id: uuid.UUID
    scope: Literal["everything", "organization", "tool", "agent", "initiator", "run"]
    target: uuid.UUID | None
    reason: str
    by: str | None
    armed: datetime
    quiet: datetime | None


def stop_shape(switch: KillSwitch, viewer: Identity) -> dict[str, Any]:
    """A stop as this viewer may read it; who engaged one over everybody stays the platform's business."""
    told = viewer.agent is None and switch.organization_id == viewer.organization_id
    return {
        "id": switch.pk,
        "scope": switch.scope,
        "target": switch.target,
        "reason": switch.reason,
        "by": switch.engaged_by.username if told else None,
        "armed": switch.armed_at,
        "quiet": switch.quiet_at,
    }


@router.post(
    "", response={201: StopOut}, operation_id="engage_stop", auth=Bearer(AGENT, OPERATE), openapi_extra=WRITES_ONE
)
def engage_stop(request: ApiRequest, payload: StopIn) -> Status[Any]:
    """Stop something. When the answer comes the stop is armed: no claim commits any more.

    An agent may stop only its own runs. A person's token stops what the person may stop.
    """
    identity = request.auth
    with refusals_remembered(request):
        if identity.agent is not None:
            switch = _stop_as_agent(identity, identity.agent, payload)
        else:
            target = _target(identity.organization_id, payload)
            switch = engage(
                actor=identity.user,
                organization=identity.organization_id,
                scope=payload.scope,
                target=target,
                reason=payload.reason,
            )
    return Status(201, stop_shape(switch, identity))


def _stop_as_agent(identity: Identity, agent: Agent, payload: StopIn) -> KillSwitch:
    """The same refusal for what does not exist, is another agent's or another organization's."""
    own = payload.scope == "run" and _own_runs(identity).filter(run=payload.target).exists()
    if not own or payload.target is None:
        raise MayNotStop("An agent may stop only its own runs.")
    return stop_own_run(agent=agent, answerable=identity.user, run=payload.target, reason=payload.reason)


def _own_runs(identity: Identity) -> Any:
    return Action.objects.within(identity.organization_id).filter(
        agent=identity.agent, initiator=identity.user, origin="agent", canary=False
    )


def _target(organization: uuid.UUID, payload: StopIn) -> uuid.UUID | None:
    """The target, if it is this organization's. Raises NothingToStop alike for what is missing and what is foreign."""
    pk = payload.target
    if pk is None:
        return None  # the verb says what is missing
    exists: bool
    match payload.scope:
        case "organization":
            exists = pk == organization
        case "tool":
            exists = Tool.objects.filter(organization=organization, pk=pk).exists()
        case "agent":
            exists = Agent.objects.filter(organization=organization, pk=pk).exists()
        case "initiator":
            exists = Membership.objects.filter(organization=organization, user=pk).exists()
        case "run":
            exists = (
                Run.objects.within(organization).filter(pk=pk).exists()
                or Action.objects.within(organization).filter(run=pk).exists()
            )
    if not exists:
        raise NothingToStop
    return pk


@router.get(
    "", response=Page[StopOut], operation_id="list_stops", auth=Bearer(AGENT, OPERATE, AUDIT), openapi_extra=READS
)
def list_stops(
    request: ApiRequest,
    before: Annotated[uuid.UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """Stops in force, newest first; an agent sees those that stand over what it proposes."""
    identity = request.auth
    found = engaged(identity.organization_id).order_by("-pk")
    if identity.agent is not None:
        found = found.filter(
            Q(scope__in=["everything", "organization"])
            | Q(scope="agent", target=identity.agent.pk)
            | Q(scope="initiator", target=identity.user.pk)
            | Q(scope="run", target__in=_own_runs(identity).values("run"))
        )
    if before is not None:
        found = found.filter(pk__lt=before)
    rows, behind = cut(list(found[: limit + 1]), limit)
    return {"items": [stop_shape(row, identity) for row in rows], "next": behind}
