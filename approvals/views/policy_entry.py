"""The form of one entry of the policy: a rule, a limit or an exception, new or as it stands."""

from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.models import Agent, Membership, Team
from accounts.pages import PersonRequest, only, page
from approvals.exceptions import PolicyInvalid, PolicyMoved
from approvals.reading import entries, policies
from approvals.services.policy import problems_of, strangers
from approvals.views.policy import ADMINISTRATOR, DENIED, into
from approvals.views.policy_saving import SENT, follows, in_force, meanwhile, save
from tools.models import Tool

MORE = ("kind", "anyway")
MOST_OFFERED = 200


@require_http_methods(["GET", "POST"])
@page(ADMINISTRATOR)
def new(request: PersonRequest) -> HttpResponse:
    """Add an entry. Its kind stands in the address or in the form."""
    document = in_force(request)[1]
    if request.method == "GET":
        kind = _kind(only(request.GET, "kind", "tool")["kind"] or "rules")
        form = entries.blank(kind, len(policies.by_kind(document)[kind]) + 1)
        if request.GET.get("tool"):
            form = entries.with_tool(form, request.GET["tool"])
        return _form(request, form)
    return _sent(request, _kind(request.POST.get("kind", "")), old="")


@require_http_methods(["GET", "POST"])
@page(ADMINISTRATOR)
def entry(request: PersonRequest, entry: str) -> HttpResponse:
    """Change an entry, or where it stands in the order."""
    document = in_force(request)[1]
    for kind, found in policies.by_kind(document).items():
        for place, one in enumerate(found, 1):
            if one.id == entry:
                if request.method == "POST":
                    return _sent(request, kind, old=entry)
                only(request.GET)
                return _form(request, entries.filled(kind, one.to_json(), place), old=entry)
    raise Http404


def _kind(text: str) -> str:
    if text not in policies.KINDS:
        raise BadRequest("Say whether it is a rule, a limit or an exception.")
    return text


def _sent(request: PersonRequest, kind: str, *, old: str) -> HttpResponse:
    sent = only(request.POST, *SENT, *MORE, *entries.keys(kind))
    form = entries.written(kind, sent, more=sent["then"] == "more")
    if sent["then"] == "more":
        return _form(request, form, old=old, sent=sent)
    said = entries.entry_of(form)
    settings: dict[str, Any] = in_force(request)[1].to_json()
    tiers = next((one["about"].get("tiers", ()) for one in settings[kind] if one["id"] == old), ())
    said = entries.entry_of(form, tiers)
    place = int(sent["place"]) if sent["place"].isascii() and sent["place"].isdigit() else len(settings[kind]) + 1
    changed = into(settings, kind, said, old=old, place=place)
    index = next(n for n, one in enumerate(changed[kind]) if one == said)
    try:
        unknown = [] if sent["anyway"] else strangers(request.organization.pk, said)
        if unknown:  # told together with whatever else is wrong, so that nobody is sent back twice
            why = sent["why"] if sent["then"] == "save" else "to try it"
            raise PolicyInvalid(
                [*((f"{kind}[{index}].{at}", told) for at, told in unknown), *problems_of(changed, why)]
            )
        return save(request, changed, sent)
    except PolicyMoved as moved:
        since = meanwhile(request, follows(sent))
        return _form(request, form, old=old, sent=sent, problem=moved.message, moved=since, status=409)
    except PolicyInvalid as refused:
        why = "; ".join(said for path, said in refused.problems if path == "reason")
        rest = [(path, said) for path, said in refused.problems if path != "reason"]
        return _form(
            request,
            entries.told(form, rest, index),
            old=old,
            sent=sent,
            why_error=why,
            strange=any("there is nothing called" in said for _, said in rest),
            problem="Nothing was changed yet: look at what is marked.",
            status=DENIED,
        )


def _names(rows: QuerySet[Any], column: str) -> QuerySet[Any]:
    return rows.order_by(column).values_list(column, flat=True)[:MOST_OFFERED]


def _form(
    request: PersonRequest,
    form: entries.Form,
    *,
    old: str = "",
    sent: dict[str, str] | None = None,
    status: int = 200,
    **told: Any,
) -> HttpResponse:
    ours = request.organization
    version = in_force(request)[0]
    context = {
        "version": version,
        "form": form,
        "old": old,
        "kind": policies.KINDS[form.kind],
        "why": sent["why"] if sent else "",
        "offered": {
            "tools": _names(Tool.objects.filter(organization=ours), "name"),
            "agents": _names(Agent.objects.filter(organization=ours), "name"),
            "initiators": _names(Membership.objects.filter(organization=ours), "user__username"),
            "teams": _names(Team.objects.filter(organization=ours), "name"),
        },
        **told,
    }
    return render(request, "policy/entry.html", context, status=status)
