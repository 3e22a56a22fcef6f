"""Actions over HTTP: an outside agent proposes a call and waits for its outcome or its denial.

Nothing here decides. A decision is a person's, made on a page with a session; there is no such route for a token.
"""

import asyncio
import time
import uuid
from typing import Annotated, Any, Final

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import Q
from django.http import Http404, HttpRequest
from ninja import Header, Query, Router
from ninja.responses import Status
from pydantic import ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from accounts.api import AGENT, AUDIT, OPERATE, ApiRequest, Bearer, Identity, refusals_remembered
from accounts.roles import Role
from approvals.access import reviewable_tools
from approvals.exceptions import StepTaken
from approvals.models import Action
from approvals.queries import ActionQuerySet
from approvals.services.propose import Proposal, propose
from approvals.shapes import STATUSES, ActionOut, shape, shapes
from approvals.states import SETTLED
from traces.canonical import digest
from traces.ids import uuid7
from traces.wire import KEY_HEADER, KEY_PATTERN, PROPOSES, READS, READS_ONE, Body, KeyReused, Page, cut

router = Router(tags=["actions"])
READERS = Bearer(AGENT, OPERATE, AUDIT)
LONGEST_WAIT: Final = 60
FIRST_LOOK: Final = 0.25
LAST_LOOK: Final = 0.5
"""Seconds between two looks at an action that somebody waits for: at first, and when it takes long."""


class ActionIn(Body):
    """A call that an outside agent wants made. What it says of itself is shown to reviewers and never used."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tool": "send_message",
                    "arguments": {"to": "customer of order 1009", "body": "Your order is delayed until Friday."},
                    "reasoning": "The carrier reported a delay.",
                    "confidence": 0.9,
                }
            ]
        }
    )
    tool: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    arguments: dict[str, Any]
    reasoning: str = Field(default="", max_length=10_000)
    confidence: float | None = Field(default=None, ge=0, le=1)
    callback: SkipJsonSchema[Any] = None

    @field_validator("callback")
    @classmethod
    def _not_yet(cls, value: Any) -> Any:
        if value is not None:
            raise ValueError("is not offered yet; ask with GET /api/v1/actions/{id}?wait=30")
        return value


@router.post(
    "",
    response={202: ActionOut},
    operation_id="propose_action",
    auth=Bearer(AGENT),
    openapi_extra=PROPOSES,
)
def propose_action(
    request: ApiRequest,
    payload: ActionIn,
    key: Annotated[str | None, Header(alias=KEY_HEADER, pattern=KEY_PATTERN)] = None,
) -> Status[Any]:
    """Propose a call. It is ruled on at once, and staged in a run of its own; nothing has happened yet.

    The same Idempotency-Key with the same body returns the action that the first one made; with another body it is a
    conflict. Where people have as much before them as they can look at, the answer is 429 with Retry-After.
    """
    identity = request.auth
    agent = identity.agent
    assert agent is not None
    proposal = Proposal(
        organization=identity.organization_id,
        run=_run_of(identity, key) if key else uuid7(),
        step=1,
        origin="agent",
        initiator=identity.user.pk,
        agent=agent.pk,
        principals=(*identity.behind, agent.owner_id),
        tool=payload.tool,
        arguments=payload.arguments,
        reasoning=payload.reasoning,
        stated_confidence=payload.confidence,
    )
    with refusals_remembered(request):
        try:
            action = propose(proposal)
        except StepTaken as taken:
            raise KeyReused("", **taken.extra) from taken
    if (action.reasoning, action.stated_confidence) != (proposal.reasoning, proposal.stated_confidence):
        raise KeyReused(action=str(action.id))
    return Status(202, shape(action, identity))


def _run_of(identity: Identity, key: str) -> uuid.UUID:
    """The run that a client's key stands for: one a key, person and agent, so that the step's own uniqueness is what
    keeps a repeated request from being a second action. A UUIDv8 (RFC 9562): made of a digest, never of a clock."""
    named = {
        "organization": str(identity.organization_id),
        "agent": str(identity.token.agent_id),
        "user": str(identity.user.pk),
        "key": key,
    }
    value = int(digest("outside_run", named)[7:39], 16)
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return uuid.UUID(int=value)


def visible(identity: Identity) -> ActionQuerySet:
    """What this token may read: an agent what it proposed for this person; a person what their pages show them."""
    actions = Action.objects.within(identity.organization_id)
    if identity.agent is not None:
        return actions.filter(agent=identity.agent, initiator=identity.user, origin="agent", canary=False)
    if identity.membership.has(Role.AUDITOR, Role.ADMINISTRATOR):
        return actions
    mine = Q(principals__contains=[identity.user.pk], canary=False)  # nobody asked for one
    return actions.filter(mine | Q(tool_id__in=reviewable_tools(identity.membership)))


@router.get(
    "",
    response=Page[ActionOut],
    operation_id="list_actions",
    auth=READERS,
    openapi_extra=READS,
)
def list_actions(
    request: ApiRequest,
    before: Annotated[uuid.UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    status: STATUSES | None = None,
    run: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Actions that this token may read, newest first."""
    narrow = {"id__lt": before, "status": status, "run": run}
    found = visible(request.auth).filter(**{name: value for name, value in narrow.items() if value is not None})
    rows, behind = cut(list(found.order_by("-id")[: limit + 1]), limit)
    return {"items": shapes(rows, request.auth), "next": behind}


@router.get(
    "/{uuid:action_id}",
    response=ActionOut,
    operation_id="get_action",
    auth=READERS,
    openapi_extra=READS_ONE,
)
async def get_action(
    request: HttpRequest,
    action_id: uuid.UUID,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for an outcome.")] = 0,
) -> dict[str, Any]:
    """One action. With ``wait`` the answer comes when the action is settled or the time is over, whichever is first."""
    identity: Identity = request.auth  # type: ignore[attr-defined]
    end = time.monotonic() + wait
    pause = FIRST_LOOK
    status = await _apart(_status)(identity, action_id)
    while status not in SETTLED and (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(LAST_LOOK, pause * 1.2)
        status = await _apart(_status)(identity, action_id)
    if wait:  # the token may have been revoked, or its person switched off, while we waited
        identity = await _apart(READERS)(request)
    found: dict[str, Any] = await _apart(_read)(identity, action_id)
    return found


def _status(identity: Identity, action_id: uuid.UUID) -> str:
    found = visible(identity).filter(pk=action_id).values_list("status", flat=True).first()
    if found is None:
        raise Http404
    return found


def _read(identity: Identity, action_id: uuid.UUID) -> dict[str, Any]:
    found = visible(identity).filter(pk=action_id).first()
    if found is None:
        raise Http404
    return shape(found, identity)


def _apart(look: Any) -> Any:
    """A look from asynchronous code that gives its database connection back: nobody who waits holds one."""

    def looked(*args: Any) -> Any:
        try:
            return look(*args)
        finally:
            if not connection.in_atomic_block:
                connection.close()

    return sync_to_async(looked, thread_sensitive=True)
