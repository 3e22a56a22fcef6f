"""Several calls that are alike, in a table of what differs; and one word on the ticked ones, with a result for each."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.pages import PersonRequest, id_of, only, page
from accounts.sessions import signed_in_at
from approvals.access import get_action_for_reading, reviewable_tools
from approvals.codes import BY_VALUE, CODES
from approvals.models import Action
from approvals.reading.alike import Table, table
from approvals.services.canaries import WORDS as CANARY
from approvals.services.likeness import MOST
from approvals.services.together import Result, decide_together, frozen
from approvals.states import ActionStatus
from traces.exceptions import DomainError
from traces.middleware import wants_document

ROW: Final = "row:"
"""What the fields of ticked rows begin with; the action's id follows, and the value is the digest of what was shown."""
DECISIONS: Final = frozenset({"approve", "reject"})
WHY: Final = "Nothing was decided: pick a reason, so that the agent and the record know why."
WORDS: Final = {
    "approved": "Approved",
    "rejected": "Rejected",
    "lost": "Somebody was first",
    "changed": "Changed since",
    "expired": "Expired",
    "not_allowed": "No longer yours to decide",
    "stopped": "Held by a stop",
    "refused": "Not decided",
    "unknown": "Not known",
}
"""What became of a row, in a word or two."""


@dataclass(frozen=True)
class Came:
    """What became of one row, beside its action."""

    action: Action
    result: Result

    @property
    def words(self) -> str:
        """The outcome in a word or two."""
        return WORDS[self.result.outcome]

    @property
    def more(self) -> str:
        """Why it was not decided; of a canary that was, that it was one."""
        if self.action.canary and self.result.decided:
            return CANARY["approve" if self.result.outcome == "approved" else "reject"]
        return self.result.words

    @property
    def waits(self) -> bool:
        """Whether the action still waits for somebody."""
        return not self.result.decided and self.action.status == ActionStatus.IN_REVIEW


@require_http_methods(["GET", "POST"])
@page()
def bulk(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The calls that are like this one; or a person's yes or no to the ticked ones, with what became of each.

    Whoever has nothing to decide together is taken to the action itself. A form that names what its table did not show
    decides nothing: 409.
    """
    head = get_action_for_reading(request.membership, pk)
    if request.method == "GET":
        only(request.GET)
        found = _table(request, head)
        return redirect("action", pk=pk) if found is None else _shown(request, found)
    ticked = _ticked(request.POST)
    fields = only(request.POST, "table", "decision", "code", "reason", *(f"{ROW}{one}" for one in ticked))
    if fields["decision"] not in DECISIONS:
        raise BadRequest("Rows are approved or rejected together, and nothing else.")
    if fields["code"] and fields["code"] not in BY_VALUE:
        raise BadRequest("There is no such reason.")
    no = fields["decision"] == "reject"
    reason = fields["reason"].strip() or (
        f"{BY_VALUE[fields['code']].words}." if fields["code"] not in {"", "other"} else ""
    )
    if no and not (fields["code"] and reason):
        return _again(request, head, 422, WHY, ticked)
    try:
        results = decide_together(
            actor=request.user,
            organization=request.organization.pk,
            head=pk,
            table=fields["table"],
            ticked=ticked,
            decision=fields["decision"],
            **({"reason": reason, "code": fields["code"]} if no else {}),
            signed_in_at=signed_in_at(request),
        )
    except DomainError as refused:
        if wants_document(request):
            raise
        return _again(request, head, refused.http_status, refused.message, ticked)
    return render(request, "approvals/bulk_done.html", _came(request, results))


def _ticked(form: QueryDict) -> dict[uuid.UUID, str]:
    """The digest that the form names for each ticked action. Raises BadRequest for an id that is none."""
    found = {}
    for name in form:
        if name.startswith(ROW):
            found[id_of(name.removeprefix(ROW))] = str(form[name])
    return found


def _table(request: PersonRequest, head: Action) -> Table | None:
    return table(head, request.membership, tools=reviewable_tools(request.membership))


def _shown(request: PersonRequest, found: Table, *, status: int = 200, **extra: Any) -> HttpResponse:
    token = frozen(
        reader=request.user,
        organization=request.organization.pk,
        key=found.likeness,
        rows=found.rows,
        before=request.POST.get("table", ""),
    )
    ticked = extra.get("ticked", {line.action.pk for line in found.lines if line.ticked})
    told = {"codes": CODES, "most": MOST, "grace": settings.LAM_TAKEBACK_SECONDS}
    context = {"table": found, "token": token, **told, **extra, "ticked": ticked}
    return render(request, "approvals/bulk.html", context, status=status)


def _again(
    request: PersonRequest, head: Action, status: int, problem: str, ticked: dict[uuid.UUID, str]
) -> HttpResponse:
    """The table as it is now, under a sentence that says why nothing was decided. What was ticked and is still as it
    was shown stays ticked."""
    found = _table(request, head)
    if found is None:
        results: Sequence[Result] = [Result(head.pk, "refused", problem)]
        return render(request, "approvals/bulk_done.html", _came(request, results), status=status)
    still = {line.action.pk for line in found.lines if ticked.get(line.action.pk) == line.action.digest}
    return _shown(request, found, status=status, problem=problem, ticked=still)


def _came(request: PersonRequest, results: Sequence[Result]) -> dict[str, Any]:
    """What became of each row, in the order of the table, and the first of those that still wait."""
    ids = [one.action for one in results]
    actions = {row.pk: row for row in Action.objects.within(request.organization.pk).filter(pk__in=ids)}
    came = [Came(actions[one.action], one) for one in results]
    decided = [one for one in came if one.result.decided]
    said = WORDS[decided[0].result.outcome] if decided else "Decided"
    left = next((one.action for one in came if one.waits), None)
    return {"came": came, "decided": len(decided), "said": said, "left": left}
