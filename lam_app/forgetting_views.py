"""What is kept how long, what is held, and whose data is to go: one page, and the forms that change one of these."""

import uuid
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.exceptions import ChangeRefused, PasswordAgain
from accounts.models import Membership, User
from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from accounts.sessions import freshly, is_fresh
from accounts.views.again import ask_again
from lam_app.erasing import ask, confirm, preview, withdraw
from lam_app.keeping import LONGEST, SHORTEST, hold, lift, set_retention
from lam_app.models import Erasure
from traces.exceptions import DomainError
from traces.forgetting import Hold, Retention

FIELDS: Final = ("what", "days", "kind", "target", "hold", "person", "erasure", "reason")
MOST_SHOWN: Final = 50
MOST_PEOPLE: Final = 500


@require_http_methods(["GET", "POST"])
@page(Role.ADMINISTRATOR, Role.AUDITOR)
def erasure(request: PersonRequest) -> HttpResponse:
    """The period, the holds and the erasures; a POST changes one of them. ``person`` shows what of theirs would go."""
    if request.method == "GET":
        asked = only(request.GET, "person")
        return _shown(request, person=asked["person"])
    form = only(request.POST, *FIELDS)
    try:
        _changed(request, form)
    except PasswordAgain:
        return ask_again(request, "saying that somebody’s data is to go", reverse("erasure"))
    except DomainError as refused:
        return _shown(request, person=form["person"], problem=refused, form=form)
    return redirect("erasure")


def _changed(request: PersonRequest, form: dict[str, str]) -> None:
    here, what = request.organization, form["what"]
    who: dict[str, Any] = {"by": request.user, "reason": form["reason"]}
    if what == "keep":
        set_retention(here, _days(form["days"]), **who)
    elif what == "hold":
        hold(here, form["kind"], _target(request, form), **who)
    elif what == "lift":
        found = Hold.objects.standing(here.pk).filter(pk=id_of(form["hold"])).first()
        if found is None:
            raise Http404
        lift(found, **who)
    elif what == "ask":
        freshly(request)
        ask(here, _member(request, form["person"]), **who)
    elif what in {"confirm", "withdraw"}:
        one = Erasure.objects.within(here.pk).filter(pk=id_of(form["erasure"])).first()
        if one is None:
            raise Http404
        if what == "confirm":
            freshly(request)
            confirm(one, **who)
        else:
            withdraw(one, **who)
    else:
        raise BadRequest("Say what to do: keep, hold, lift, ask, confirm or withdraw.")


def _shown(
    request: PersonRequest, *, person: str = "", problem: DomainError | None = None, form: dict[str, str] | None = None
) -> HttpResponse:
    here = request.organization
    chosen = _member(request, person) if person else None
    rows = Erasure.objects.within(here.pk)
    holds = list(Hold.objects.standing(here.pk)[:MOST_SHOWN])
    names = _names([*(one.by for one in holds), *(one.target for one in holds if one.kind == "person")])
    period = Retention.objects.of(here.pk)
    context = {
        "days": period.days if period else None,
        "period": period,
        "period_by": _names([period.by]).get(period.by, "somebody") if period else "",
        "shortest": SHORTEST,
        "longest": LONGEST,
        "holds": [(one, names.get(one.by, "somebody"), names.get(one.target, "")) for one in holds],
        "waiting": [(one, _may_confirm(request, one)) for one in rows.filter(confirmed_at=None, withdrawn_at=None)],
        "going": [(one, preview(here, one.person)) for one in rows.filter(pk__in=Erasure.objects.to_do().values("pk"))],
        "over": rows.exclude(done_at=None, withdrawn_at=None)[:MOST_SHOWN],
        "people": Membership.objects.filter(organization=here)
        .exclude(user=request.user)
        .select_related("user")
        .order_by("user__username")[:MOST_PEOPLE],
        "chosen": chosen,
        "would": preview(here, chosen) if chosen else None,
        "fresh": is_fresh(request),
        "administers": request.membership.has(Role.ADMINISTRATOR),
        "problem": problem,
        "form": form or {},
    }
    return render(request, "settings/erasure.html", context, status=problem.http_status if problem else 200)


def _may_confirm(request: PersonRequest, one: Erasure) -> bool:
    return request.user.pk not in {one.asked_by_id, one.person_id}


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise ChangeRefused(f"days: a number between {SHORTEST} and {LONGEST}, or nothing for ever.")
    return int(text)


def _target(request: PersonRequest, form: dict[str, str]) -> uuid.UUID:
    if form["kind"] == "organization":
        return request.organization.pk
    if form["kind"] == "person":
        return _member(request, form["person"]).pk
    try:
        return uuid.UUID(form["target"].strip())
    except ValueError:
        raise ChangeRefused("run: its id is the last part of the address of its page.") from None


def _member(request: PersonRequest, value: str) -> User:
    found = (
        Membership.objects.filter(organization=request.organization, user=id_of(value)).select_related("user").first()
    )
    if found is None:
        raise Http404
    return found.user


def _names(ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
