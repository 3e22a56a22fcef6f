"""Try a call: fill one in or paste it, choose whom it is for, and see what the gate would say. Nothing is staged."""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.models import Agent, Membership
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from approvals import binding
from approvals.models import Action, Revision, Trial
from approvals.policy import PolicyRefused, read_policy
from approvals.reading import editing
from approvals.reading.trying import Call, Tried, tried
from approvals.views.policy import ADMINISTRATOR
from tools.models import Tool
from traces.canonical import BadJSON, parse
from traces.ids import NIL

CHOICES: Final = ("tool", "initiator", "agent", "trial")
MOST_OFFERED: Final = 1_000


@dataclass
class Chosen:
    """Whom an imagined call is for and which tool it is of; what is not chosen yet is nothing."""

    tool: Tool | None
    initiator: Membership | None
    agent: Agent | None
    trial: Trial | None


def _uuid(text: str) -> uuid.UUID | None:
    return id_of(text) if text else None


def _chosen(request: PersonRequest, form: dict[str, str]) -> Chosen:
    """The rows that the form names, all of this organization. Raises Http404 for what is not there."""
    ids = {name: _uuid(form[name]) or NIL for name in CHOICES}
    ours = request.organization
    found = Chosen(
        tool=Tool.objects.filter(organization=ours, pk=ids["tool"]).select_related("version").first(),
        initiator=Membership.objects.filter(organization=ours, user_id=ids["initiator"]).select_related("user").first(),
        agent=Agent.objects.filter(organization=ours, pk=ids["agent"]).first(),
        trial=Trial.objects.filter(organization=ours, pk=ids["trial"]).first(),
    )
    if any(ids[name] != NIL and getattr(found, name) is None for name in CHOICES):
        raise Http404
    return found


@require_http_methods(["GET", "POST"])
@page(ADMINISTRATOR)
def try_a_call(request: PersonRequest) -> HttpResponse:
    """The form, filled in from an action where one is named; and, once sent, the whole ruling beside it."""
    if request.method == "GET":
        form = only(request.GET, *CHOICES, "action")
        values: dict[str, Any] = {}
        if action := _uuid(form["action"]):
            form, values = _from(request, action)
        chosen = _chosen(request, form)
        return _page(request, chosen, _fields(chosen.tool, values))
    chosen = _chosen(request, {name: request.POST.get(name, "") for name in CHOICES})
    empty = _fields(chosen.tool, {})
    sent = only(request.POST, *CHOICES, "confidence", "pasted", *(field.key for field in empty))
    fields = editing.written(empty, sent)
    told: dict[str, Any] = {"pasted": sent["pasted"], "confidence": sent["confidence"]}
    if chosen.tool is None or chosen.initiator is None or chosen.agent is None:
        return _page(request, chosen, fields, problem="Choose a tool, a person and an agent.", status=422, **told)
    arguments, unread = editing.read(fields)
    if sent["pasted"].strip():
        try:
            pasted = parse(sent["pasted"])
        except BadJSON as wrong:
            return _page(request, chosen, fields, problem=f"What you pasted: {wrong.message}", status=422, **told)
        if not isinstance(pasted, dict):
            return _page(request, chosen, fields, problem="Paste the arguments as a JSON object.", status=422, **told)
        arguments, unread = pasted, []
        fields = _fields(chosen.tool, pasted)
    if unread:
        marked, _ = editing.told(fields, unread)
        return _page(request, chosen, marked, problem="Look at what is marked.", status=422, **told)
    call = Call(
        organization=request.organization.pk,
        initiator=chosen.initiator.user_id,
        agent=chosen.agent.pk,
        tool=chosen.tool.name,
        arguments=arguments,
        confidence=_share(sent["confidence"]),
    )
    return _page(request, chosen, fields, tried=_tried(call, chosen.trial), **told)


def _tried(call: Call, trial: Trial | None) -> Tried:
    try:
        return tried(call, read_policy(trial.settings) if trial else None)
    except PolicyRefused as refused:
        raise BadRequest("This policy cannot be read any more.") from refused


def _share(text: str) -> float | None:
    """A confidence from 0 to 1; what is none counts as unknown, as it does at the gate."""
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _from(request: PersonRequest, pk: uuid.UUID) -> tuple[dict[str, str], dict[str, Any]]:
    """An action of the past as a call to be tried."""
    action = Action.objects.within(request.organization.pk).filter(pk=pk).first()
    if action is None:
        raise Http404
    revision = action.revisions.get(number=action.revision)
    ids = {"tool": action.tool_id or "", "initiator": action.initiator_id, "agent": action.agent_id, "trial": ""}
    return {name: str(value) for name, value in ids.items()}, binding.parsed(revision.arguments)


def _fields(tool: Tool | None, values: dict[str, Any]) -> list[editing.Field]:
    if tool is None or tool.version is None:
        return []
    return editing.fields_of(Revision(tool_version=tool.version, arguments=json.dumps(values)))


def _page(
    request: PersonRequest, chosen: Chosen, fields: list[editing.Field], *, status: int = 200, **told: Any
) -> HttpResponse:
    ours = request.organization
    people = Membership.objects.filter(organization=ours, user__is_active=True).select_related("user")
    if chosen.initiator is None:  # somebody whom agents act for, rather than whoever comes first
        chosen.initiator = people.filter(roles__contains=[Role.OPERATOR.value]).order_by("user__username").first()
    context = {
        "chosen": chosen,
        "fields": fields,
        "tools": Tool.objects.filter(organization=ours).order_by("name")[:MOST_OFFERED],
        "people": people.order_by("user__username")[:MOST_OFFERED],
        "agents": Agent.objects.filter(organization=ours).order_by("name")[:MOST_OFFERED],
        "may_change": True,
        **told,
    }
    return render(request, "policy/try.html", context, status=status)
