"""One's own sign-ins: where, since when, last seen; and the forms that end one of them, or all others."""

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import SignIn
from accounts.pages import PersonRequest, id_of, only, page
from accounts.sessions import end, end_others, sign_in_of

MOST_SHOWN = 100


@require_http_methods(["GET", "POST"])
@page()
def sessions(request: PersonRequest) -> HttpResponse:
    """The browsers in which whoever asks is signed in; a POST ends one, or all but this one."""
    mine = SignIn.objects.open().filter(user=request.user, organization=request.organization)
    this = sign_in_of(request)
    if request.method == "GET":
        only(request.GET)
        rows = sorted(mine[:MOST_SHOWN], key=lambda row: row.pk != this)
        return render(request, "settings/sessions.html", {"rows": rows, "this": this})
    form = only(request.POST, "what", "session")
    if form["what"] == "others":
        end_others(this, of=request.membership)
    elif form["what"] == "end":
        found = mine.filter(pk=id_of(form["session"])).first()
        if found is None:
            raise Http404
        end(found.pk, of=request.membership)
    else:
        raise BadRequest("Say what to end: one, or all others.")
    return redirect("sessions")
