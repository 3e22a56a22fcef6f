"""Setting a tool: the page with its dial, and the one form behind every button on it. The verbs decide."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.exceptions import PasswordAgain
from accounts.models import Membership
from accounts.pages import PersonRequest, id_of, only, page
from accounts.sessions import freshly, is_fresh
from accounts.views.again import ask_again
from tools import listing
from tools.changes import DialChange, DialProposal
from tools.dial import accept, return_to, set_dial, withdraw
from tools.exceptions import DialMoved, DialRefused
from tools.killswitch import STOPPERS
from tools.kinds import Tier
from tools.matrix import matrix
from tools.models import Tool, ToolVersion
from tools.queries import holds
from tools.shown import STATES, USUAL_VETO, history, lines_of, names_in, offered, segments, since
from tools.wording import REACH
from traces.exceptions import DomainError

CHANGES_SHOWN: Final = 12
FIELDS: Final = (
    "what", "seen", "maturity", "veto_seconds", "tier", "state", "owner", "category", "limit", "number", "proposal",
    "reason",
)  # fmt: skip
DONE: Final = ("set", "return", "accept", "withdraw", "lift", "unlift")


@require_http_methods(["GET", "POST"])
@page()
def tool_dial(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Change a tool, go back to earlier settings, or answer a change that waits for a second person.

    Whoever only looks, as after signing in again, is led to the tool's page, where the dial stands.
    """
    if request.method == "GET":
        only(request.GET)
        if not listing.catalogue(request.organization.pk).filter(pk=pk).exists():
            raise Http404
        return redirect(f"{reverse('tool', args=[pk])}#dial")
    form = only(request.POST, *FIELDS)
    found = listing.catalogue(request.organization.pk).filter(pk=pk).first()
    if found is None:
        raise Http404
    if not any(holds(request.user.pk, pk, right) for right in ("configure_tool", "stop_tool")):
        raise PermissionDenied
    if form["what"] not in DONE:
        raise BadRequest("Say what to do: set, return, accept, withdraw, lift or unlift.")
    try:
        _seen(found, form)
        if form["what"] == "accept":
            freshly(request)
        _done(request, found, form)
    except PasswordAgain:
        return ask_again(request, f"agreeing to a change of {found.name}", f"{reverse('tool', args=[pk])}#dial")
    except DomainError as refused:
        found.refresh_from_db()
        return tool_page(request, found, problem=refused, form=form)
    return redirect("tool", pk=pk)


@require_GET
@page()
def waiting(request: PersonRequest) -> HttpResponse:
    """Changes of the organization's tools that wait for a second person."""
    only(request.GET)
    rows = list(
        DialProposal.objects.filter(organization=request.organization, status=DialProposal.Status.OPEN)
        .select_related("tool", "by")
        .order_by("created")[:100]
    )
    people = names_in(*(row.before for row in rows), *(row.after for row in rows))
    shown = [(row, lines_of(row.before, row.after, people)) for row in rows]
    return render(request, "tools/waiting.html", {"waiting": shown})


def tool_page(
    request: PersonRequest, tool: Tool, *, problem: DomainError | None = None, form: dict[str, str] | None = None
) -> HttpResponse:
    """One tool's page; with a ``problem``, what was refused and why, under the status that it means."""
    one = offered(request.organization.pk, [tool])[0]
    changes = history(tool, CHANGES_SHOWN)
    open_one = DialProposal.objects.filter(tool=tool, status=DialProposal.Status.OPEN).select_related("by").first()
    at, whose = since(tool, changes)
    line = matrix(request.organization.pk, only=[tool.pk])
    context: dict[str, Any] = {
        "offered": one,
        "segments": segments(one),
        "veto": (form or {}).get("veto_seconds") or tool.veto_seconds or USUAL_VETO,
        "changes": changes,
        "last": changes[0].row.number if changes else 0,
        "since": at,
        "since_whose": whose,
        "proposal": open_one,
        "proposed": lines_of(open_one.before, open_one.after, names_in(open_one.before, open_one.after))
        if open_one
        else [],
        "holders": line[0].holders if line else {},
        "versions": ToolVersion.objects.filter(tool=tool).order_by("-number")[:CHANGES_SHOWN],
        "states": [(value, name) for value, (name, _) in STATES.items()],
        "tiers": [(tier.value, REACH[tier]) for tier in Tier],
        "fresh": is_fresh(request),
        "may_set": holds(request.user.pk, tool.pk, "configure_tool"),
        "may_lower": holds(request.user.pk, tool.pk, "stop_tool"),
        "members": _members(request),
        "may_stop": request.membership.has(*STOPPERS),
        "problem": problem,
        "form": form or {},
    }
    return render(request, "tools/tool.html", context, status=problem.http_status if problem else 200)


def _members(request: PersonRequest) -> Any:
    rows = Membership.objects.filter(organization=request.organization, user__is_active=True)
    return rows.order_by("user__username").values_list("user_id", "user__username")


def _seen(tool: Tool, form: dict[str, str]) -> None:
    """What was on the page is what is changed. Raises DialMoved where the tool was changed since."""
    if not form["seen"].isdecimal():
        raise BadRequest("The form has to say which change it saw last.")
    if DialChange.objects.filter(tool=tool, number__gt=int(form["seen"][:9])).exists():
        raise DialMoved


def _done(request: PersonRequest, tool: Tool, form: dict[str, str]) -> None:
    by, reason = request.user, form["reason"]
    if form["what"] == "return":
        return_to(tool, _number("number", form), by=by, reason=reason)
    elif form["what"] in {"accept", "withdraw"}:
        verb = accept if form["what"] == "accept" else withdraw
        verb(id_of(form["proposal"]), organization=request.organization.pk, by=by, reason=reason)
    else:
        set_dial(tool, _changes(tool, form), by=by, reason=reason)


def _changes(tool: Tool, form: dict[str, str]) -> dict[str, Any]:
    """The settings that the form names; what it leaves out stays."""
    found: dict[str, Any] = {}
    if form["what"] in {"lift", "unlift"}:
        lifted = {name: entry for name, entry in tool.lifted.items() if name != form["category"]}
        if form["what"] == "lift":
            lifted[form["category"]] = {"reason": form["reason"].strip(), "limit": form["limit"].strip() or None}
        return {"lifted": lifted}
    for name in ("maturity", "tier"):
        if form[name]:
            found[name] = form[name]
    if form["maturity"] == "on_the_loop" and form["veto_seconds"]:
        found["veto_seconds"] = _number("veto_seconds", form)
    if form["state"]:
        if form["state"] not in STATES:
            raise DialRefused("state: there is no such state.", field="state")
        found |= STATES[form["state"]][1]
    if form["owner"]:
        found["owner"] = None if form["owner"] == "nobody" else str(id_of(form["owner"]))
    return found


def _number(name: str, form: dict[str, str]) -> int:
    if not (form[name].isascii() and form[name].isdecimal()) or len(form[name]) > 9:
        raise DialRefused(f"{name}: a whole number.", field=name, errors={name: "A whole number."})
    return int(form[name])
