"""Where a person or a team hears of what: addresses, routes, and the buttons that try them."""

from collections.abc import Callable
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Team
from accounts.pages import HTMX_STOP_POLLING, PersonRequest, id_of, only, page
from accounts.roles import Role
from approvals.models import Delivery
from approvals.notices.exceptions import NoticesNotFound
from approvals.notices.post import mail_is_set
from approvals.reading.listening import CHANNELS, RISKS, listening
from approvals.services import listen
from approvals.services.listen import Listener
from traces.exceptions import DomainError

Form = dict[str, str]
FIELDS: Final = ("what", "team", "address", "url", "which", "channel", "tool", "risk")
MOST_TEAMS: Final = 200


@require_http_methods(["GET", "POST"])
@page()
def notice_settings(request: PersonRequest) -> HttpResponse:
    """What reaches whom, through what; a POST changes or tries one of them."""
    if request.method == "POST":
        return _changed(request, only(request.POST, *FIELDS))
    asked = only(request.GET, "team", "tried", "rung")
    return _shown(request, _listener(request, asked["team"]), tried=asked["tried"], rung=bool(asked["rung"]))


@require_GET
@page()
def tried(request: PersonRequest) -> HttpResponse:
    """How far a test has come; asked again and again until it is known."""
    asked = only(request.GET, "delivery", "team")
    found = _tried(_listener(request, asked["team"]), asked["delivery"])
    if found is None:
        raise Http404
    over = found.state != Delivery.State.WAITING
    answer = render(request, "notices/settings.html#tried", {"trial": found, "team": asked["team"]})
    answer.status_code = HTMX_STOP_POLLING if over else 200
    return answer


def _changed(request: PersonRequest, form: Form) -> HttpResponse:
    listener = _listener(request, form["team"])
    more: dict[str, str] = {}
    try:
        if form["what"] == "webhook":
            address, key = listen.add_webhook(listener, form["url"])
            return _shown(request, listener, made={"address": address, "key": key})
        if form["what"] == "try":
            more["tried"] = str(listen.try_address(listener, id_of(form["which"])).pk)
        elif form["what"] in CHANGES:
            CHANGES[form["what"]](listener, form)
            more |= {"rung": "1"} if form["what"] == "ring" else {}
        else:
            raise BadRequest("Say what to change.")
    except NoticesNotFound as nowhere:
        raise Http404 from nowhere
    except DomainError as refused:
        return _shown(request, listener, problem=refused, form=form)
    query = {**({"team": form["team"]} if form["team"] else {}), **more}
    return redirect(f"{reverse('notice_settings')}{f'?{urlencode(query)}' if query else ''}")


CHANGES: Final[dict[str, Callable[[Listener, Form], Any]]] = {
    "mail": lambda listener, form: listen.add_mail(listener, form["address"]),
    "end": lambda listener, form: listen.end_address(listener, id_of(form["which"])),
    "route": lambda listener, form: listen.add_route(
        listener, channel=form["channel"], tool=form["tool"], risk=form["risk"], address=form["address"]
    ),
    "unroute": lambda listener, form: listen.end_route(listener, id_of(form["which"])),
    "ring": lambda listener, _form: listen.try_page(listener),
}
"""What a form can change, but for what it answers with more than a place to go."""


def _shown(
    request: PersonRequest,
    listener: Listener,
    *,
    tried: str = "",
    rung: bool = False,
    made: dict[str, Any] | None = None,
    problem: DomainError | None = None,
    form: Form | None = None,
) -> HttpResponse:
    administers = request.membership.has(Role.ADMINISTRATOR)
    context: dict[str, Any] = {
        "team": listener.team,
        "teams": Team.objects.filter(organization=request.organization).order_by("name")[:MOST_TEAMS]
        if administers
        else [],
        "administers": administers,
        "heard": listening(listener),
        "channels": CHANNELS,
        "risks": RISKS,
        "mail_is_set": mail_is_set(),
        "trial": _tried(listener, tried) if tried else None,
        "rung": rung,
        "made": made,
        "problem": problem,
        "form": form or {},
    }
    return render(request, "notices/settings.html", context, status=problem.http_status if problem else 200)


def _tried(listener: Listener, delivery: str) -> Delivery | None:
    """A test of an address of theirs."""
    whose = {f"address__{name}": value for name, value in listener.owned.items()}
    return Delivery.objects.filter(**whose, trial=True, pk=id_of(delivery)).select_related("address").first()


def _listener(request: PersonRequest, team: str) -> Listener:
    """Whoever asks, or for an administrator a team of theirs."""
    if not team:
        return Listener(request.membership)
    found = Team.objects.filter(organization=request.organization, pk=id_of(team)).first()
    if found is None or not request.membership.has(Role.ADMINISTRATOR):
        raise Http404
    return Listener(request.membership, found)
