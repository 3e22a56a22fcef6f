"""A policy that is tried: what differs, what a replay over the record finds, and putting it in force from there."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.pages import HTMX_STOP_POLLING, PersonRequest, only, page
from approvals.exceptions import NotAdministrator, PolicyInvalid, PolicyMoved
from approvals.models import Trial
from approvals.policy import PolicyRefused, read_policy
from approvals.reading.policies import differences
from approvals.services import trial as trials
from approvals.services.policy import change_policy
from approvals.views.policy import ADMINISTRATOR
from approvals.views.policy_saving import in_force, meanwhile, onward
from traces.exceptions import DomainError

DAYS: Final = {"1": 1, "7": 7, "30": 30}
A_PAGE: Final = 30
VERDICTS: Final = {
    "allow": "ran by itself",
    "veto_window": "left after a veto window",
    "review": "waited for people",
    "deny": "was denied",
}
WOULD: Final = {
    "allow": "would run by itself",
    "veto_window": "would leave after a veto window",
    "review": "would wait for people",
    "review+": "would need more people",
    "review-": "would need fewer people",
    "deny": "would be denied",
}
DECIDED: Final = {
    "approved": "approved by people",
    "rejected": "rejected by a person",
    "expired": "expired, decided by nobody",
    "in_review": "still waiting",
    "denied": "denied by the policy",
    "withdrawn": "withdrawn",
    "nobody": "nobody was asked",
}
FREER: Final = ("allow", "veto_window", "review-")
ORDER: Final = {"allow": 0, "veto_window": 1, "review-": 2, "review": 3, "review+": 4, "deny": 5}


@dataclass(frozen=True)
class Move:
    """One way in which rulings would have been otherwise, how often, and what people had made of those."""

    was: str
    now: str
    number: int
    freer: bool
    people: list[tuple[str, int]]
    examples: list[dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """What a replay has found so far, coverage first."""

    read: int
    unread: int
    unreadable: list[tuple[str, int]]
    unread_tools: list[tuple[str, int]]
    awaited: int
    teams_unknown: int
    simulated: list[tuple[str, int]]
    tools: int
    released: int
    held: int
    denied: int
    same: int
    changed: int
    moves: list[Move]


def _result(found: dict[str, Any]) -> Result | None:
    if not found:
        return None
    counted = {"allow": 0, "veto_window": 0, "review": 0, "deny": 0}
    same, moves = 0, []
    for move, number in found["moves"].items():
        before, _, after = move.partition(">")
        counted[after.rstrip("+-")] += number
        if before == after:
            same += number
            continue
        people = sorted(found["people"].get(move, {}).items(), key=lambda one: -one[1])
        moves.append(
            Move(
                was=VERDICTS[before],
                now=WOULD[after],
                number=number,
                freer=ORDER[after] < ORDER[before],
                people=[(DECIDED[word], n) for word, n in people],
                examples=[
                    {**one, "decided": DECIDED[one["decided"]]} for one in found["changes"] if one["move"] == move
                ],
            )
        )
    moves.sort(key=lambda one: (not one.freer, -one.number))
    unread = sum(found["unreadable"].values())
    return Result(
        read=found["read"],
        unread=unread,
        unreadable=sorted(found["unreadable"].items()),
        unread_tools=sorted(found["unread_tools"].items()),
        awaited=found["awaited"],
        teams_unknown=found["teams_unknown"],
        simulated=sorted(found["simulated"].items()),
        tools=len(found["tools"]),
        released=counted["allow"] + counted["veto_window"],
        held=counted["review"],
        denied=counted["deny"],
        same=same,
        changed=found["read"] - same,
        moves=moves,
    )


@require_GET
@page(ADMINISTRATOR)
def replays(request: PersonRequest) -> HttpResponse:
    """Policies that were tried, newest first."""
    only(request.GET)
    found = Trial.objects.filter(organization=request.organization).select_related("made_by").defer("found")
    context = {"trials": found.order_by("-id")[:A_PAGE], "current": in_force(request)[0].number, "may_change": True}
    return render(request, "policy/replays.html", context)


def _trial(request: PersonRequest, pk: uuid.UUID) -> Trial:
    found = Trial.objects.filter(organization=request.organization, pk=pk).select_related("made_by").first()
    if found is None:
        raise Http404
    return found


def _context(request: PersonRequest, trial: Trial) -> dict[str, Any]:
    version, document = in_force(request)
    try:
        policy = read_policy(trial.settings)
    except PolicyRefused as refused:
        raise BadRequest("This policy cannot be read any more.") from refused
    under_way = trial.state in {Trial.State.WAITING, Trial.State.RUNNING}
    return {
        "trial": trial,
        "version": version,
        "differences": differences(document, policy),
        "in_force": document == policy,
        "under_way": under_way,
        "share": min(99, trial.seen * 100 // trial.expected) if trial.expected else 0,
        "result": _result(trial.found),
        "may_change": True,
    }


@require_GET
@page(ADMINISTRATOR)
def replay(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One policy that is tried, with what its replay found."""
    only(request.GET)
    return render(request, "policy/replay.html", _context(request, _trial(request, pk)))


@require_GET
@page(ADMINISTRATOR)
def live(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """How far a replay has come, for the page that shows it; the last answer says that there is no more to ask."""
    only(request.GET)
    context = _context(request, _trial(request, pk))
    status = 200 if context["under_way"] else HTMX_STOP_POLLING
    return render(request, "policy/replay.html#result", context, status=status)


@require_POST
@page(ADMINISTRATOR)
def start(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for a replay over the last days."""
    form = only(request.POST, "days")
    if form["days"] not in DAYS:
        raise BadRequest("Say over how many days.")
    trial = _trial(request, pk)
    try:
        trials.start(request.organization.pk, trial.pk, by=request.user, days=DAYS[form["days"]])
    except DomainError as refused:
        return _refused(request, trial, refused)
    return redirect("policy_trial", pk=pk)


@require_POST
@page(ADMINISTRATOR)
def cancel(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Call a replay off."""
    only(request.POST)
    trials.cancel(request.organization.pk, _trial(request, pk).pk, by=request.user)
    return redirect("policy_trial", pk=pk)


@require_POST
@page(ADMINISTRATOR)
def accept(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Put the policy that was tried in force, if it still follows the one that is."""
    form = only(request.POST, "why")
    trial = _trial(request, pk)
    try:
        ours, by, after = request.organization.pk, request.user, trial.follows
        return onward(change_policy(ours, trial.settings, reason=form["why"], by=by, after=after))
    except (PolicyMoved, PolicyInvalid, NotAdministrator) as refused:
        return _refused(request, trial, refused, why=form["why"])


def _refused(request: PersonRequest, trial: Trial, refused: DomainError, *, why: str = "") -> HttpResponse:
    context = {**_context(request, trial), "problem": refused.message, "why": why}
    if isinstance(refused, PolicyMoved):
        context["moved"] = meanwhile(request, trial.follows)
    return render(request, "policy/replay.html", context, status=refused.http_status)
