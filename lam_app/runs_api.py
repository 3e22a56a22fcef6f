"""Runs over HTTP: give the built-in planner a goal, follow it, answer it, end it."""

import base64
import binascii
import uuid
from typing import Annotated, Any

from django.http import Http404
from ninja import Header, Query, Router
from ninja.responses import Status
from pydantic import ConfigDict, Field

from accounts.api import AUDIT, OPERATE, ApiRequest, Bearer, refusals_remembered
from lam_app.attachments.files import LONGEST_NAME, MOST_FILES, Upload, read_all
from lam_app.attachments.keep import same
from lam_app.models import Run, RunQuerySet
from lam_app.planted import planted_run, with_planted
from lam_app.runs import LONGEST_ANSWER, LONGEST_GOAL, OURS, answer, cancel, submit
from lam_app.runs_shapes import STATUSES, RunOut, run_shapes
from lam_app.story import visible_runs
from traces.api import EventOut, event_shape
from traces.models import Event
from traces.wire import (
    KEY_HEADER,
    KEY_PATTERN,
    READS,
    READS_ONE,
    WRITES,
    WRITES_ONE,
    Body,
    FieldRefused,
    KeyReused,
    Page,
    cut,
)  # fmt: skip

router = Router(tags=["runs"])
READERS = Bearer(OPERATE, AUDIT)


class AttachmentIn(Body):
    """A file for the planner to read: text, CSV, PDF, PNG or JPEG, told by its bytes and not by its name.

    What it says is data from outside: it is fenced in the prompt, and a value found in it alone asks a person.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "orders.csv", "content": "b3JkZXIsZGF5CjEwMDksRnJpZGF5Cg=="}]}
    )
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    content: str = Field(min_length=1, description="The bytes in Base64.")

    def upload(self, at: int) -> Upload:
        """The bytes. Raises FieldRefused for text that is no Base64."""
        try:
            return Upload(self.name, base64.b64decode(self.content, validate=True))
        except (binascii.Error, ValueError):
            raise FieldRefused(f"attachments[{at}].content", "is not Base64") from None


class RunIn(Body):
    """A goal for the built-in planner, and what it should know besides."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"goal": "Tell the customer of order 1009 that it is delayed until Friday"}]}
    )
    goal: str = Field(min_length=1, max_length=LONGEST_GOAL)
    context: dict[str, Any] = Field(default_factory=dict)
    attachments: list[AttachmentIn] = Field(default_factory=list, max_length=MOST_FILES)


class InputIn(Body):
    """The answer to what a run asks, or how to go on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "The customer's name is Ada."}]})
    text: str = Field(min_length=1, max_length=LONGEST_ANSWER)


class CancelIn(Body):
    """Why the run is no longer wanted."""

    reason: str = Field(default="", max_length=2_000)


def _one(request: ApiRequest, run_id: uuid.UUID) -> Run:
    membership = request.auth.membership
    found = visible_runs(membership).filter(pk=run_id).first() or planted_run(membership, run_id)
    if found is None:
        raise Http404
    return found


def _shape(request: ApiRequest, run: Run) -> dict[str, Any]:
    run.refresh_from_db()
    return run_shapes([run], request.auth)[0]


@router.post("", response={201: RunOut}, operation_id="submit_run", auth=Bearer(OPERATE), openapi_extra=WRITES)
def submit_run(
    request: ApiRequest,
    payload: RunIn,
    key: Annotated[str | None, Header(alias=KEY_HEADER, pattern=KEY_PATTERN)] = None,
) -> Status[Any]:
    """Give a goal. It is accepted in one transaction; the planner takes it up within a second or so.

    The same Idempotency-Key with the same body returns the run that the first one made; with another body it is a
    conflict.
    """
    for name in OURS:
        if name in payload.context:
            raise FieldRefused(f"context.{name}", "is kept by the product itself")
    identity = request.auth
    files = read_all([one.upload(at) for at, one in enumerate(payload.attachments)])
    with refusals_remembered(request):
        run = submit(
            initiator=identity.user,
            organization=identity.organization_id,
            goal=payload.goal,
            context=payload.context,
            client_key=key,
            attached=files,
        )
    given = {name: value for name, value in run.context.items() if name not in OURS}
    if (run.goal, given) != (payload.goal.strip(), payload.context) or not same(run, files):
        raise KeyReused(run=str(run.pk))
    return Status(201, _shape(request, run))


@router.get("", response=Page[RunOut], operation_id="list_runs", auth=READERS, openapi_extra=READS)
def list_runs(
    request: ApiRequest,
    before: Annotated[uuid.UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
    status: STATUSES | None = None,
) -> dict[str, Any]:
    """Runs that this token may read, newest first."""
    found: RunQuerySet = visible_runs(request.auth.membership)
    if before is not None:
        found = found.filter(pk__lt=before)
    if status is not None:
        found = found.filter(status=status)
    states = (status,) if status is not None else ()
    listed = with_planted(list(found[: limit + 1]), request.auth.membership, limit + 1, states, before)
    rows, behind = cut(listed, limit)
    return {"items": run_shapes(rows, request.auth), "next": behind}


@router.get("/{uuid:run_id}", response=RunOut, operation_id="get_run", auth=READERS, openapi_extra=READS_ONE)
def get_run(request: ApiRequest, run_id: uuid.UUID) -> dict[str, Any]:
    """One run: its plan, its actions, and its report once there is one."""
    return run_shapes([_one(request, run_id)], request.auth)[0]


@router.get(
    "/{uuid:run_id}/events", response=Page[EventOut], operation_id="list_run_events", auth=READERS,
    openapi_extra=READS_ONE,
)  # fmt: skip
def list_run_events(
    request: ApiRequest,
    run_id: uuid.UUID,
    after: Annotated[uuid.UUID | None, Query(description="The `next` of the page before, or an event's id.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> dict[str, Any]:
    """What happened to a run and its actions, in order. Ask again behind the last event to follow it."""
    run = _one(request, run_id)
    found = Event.objects.within(run.organization_id).filter(run=run.pk).order_by("id")
    if after is not None:
        found = found.filter(id__gt=after)
    rows, behind = cut(list(found[: limit + 1]), limit)
    return {"items": [event_shape(row) for row in rows], "next": behind}


@router.post(
    "/{uuid:run_id}/input", response=RunOut, operation_id="answer_run", auth=Bearer(OPERATE), openapi_extra=WRITES_ONE
)
def answer_run(request: ApiRequest, run_id: uuid.UUID, payload: InputIn) -> dict[str, Any]:
    """Answer the question that a run waits with, or tell one that gave up how to go on."""
    run = _one(request, run_id)
    identity = request.auth
    with refusals_remembered(request):
        run = answer(actor=identity.user, organization=identity.organization_id, run_id=run.pk, text=payload.text)
    return _shape(request, run)


@router.post(
    "/{uuid:run_id}/cancel", response=RunOut, operation_id="cancel_run", auth=Bearer(OPERATE), openapi_extra=WRITES_ONE
)
def cancel_run(request: ApiRequest, run_id: uuid.UUID, payload: CancelIn | None = None) -> dict[str, Any]:
    """End a run: what it still has under the gate is withdrawn; what executes already finishes and is recorded."""
    run = _one(request, run_id)
    identity = request.auth
    reason = payload.reason if payload else ""
    with refusals_remembered(request):
        run = cancel(actor=identity.user, organization=identity.organization_id, run_id=run.pk, reason=reason)
    return _shape(request, run)
