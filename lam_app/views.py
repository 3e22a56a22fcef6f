"""Pages of runs: give a goal, watch it, read what came of it. They write only by calling a verb."""

import uuid
from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.pages import HTMX_NO_SWAP, HTMX_STOP_POLLING, PersonRequest, only, page
from accounts.roles import Role
from approvals.access import knows_canaries
from approvals.models import Action
from approvals.reading.deciders import deciders, reviewers
from lam_app.attachment_views import FIELD, sent
from lam_app.attachments.exceptions import NoRoomLeft
from lam_app.attachments.files import MOST_BYTES, MOST_FILES
from lam_app.attachments.keep import attached
from lam_app.correct import LONGEST_GOAL as LONGEST_READING
from lam_app.correct import correct_goal, may_correct
from lam_app.models import Run
from lam_app.outline import outline
from lam_app.planted import is_planted, planted_run, with_planted
from lam_app.reporting import given
from lam_app.runs import LONGEST_GOAL, answer, cancel, submit
from lam_app.states import FINISHED, RunStatus
from lam_app.story import Story, corrected, started, story, visible_runs
from lam_app.trace_search import READS
from lam_app.undo_views import may_undo
from tools.killswitch import STOPPERS
from traces.exceptions import DomainError

PAGE: Final = 50
MOST_WAITS: Final = 3
"""Waiting steps for which the page of a run names who may decide."""
EXAMPLES: Final = (
    "Tell the customer of order 1009 that it is delayed until Friday",
    "Write a note about order 1009: the customer asked for a call back",
)


STATES: Final[dict[str, frozenset[str]]] = {
    "": frozenset(),
    "moving": frozenset({RunStatus.SUBMITTED, RunStatus.PLANNING, RunStatus.WAITING, RunStatus.UNDOING}),
    "needs": frozenset({RunStatus.NEEDS_INPUT, RunStatus.NEEDS_HUMAN, RunStatus.HALTED}),
    "ended": FINISHED,
}
WORDS: Final = (("", "All"), ("moving", "Moving"), ("needs", "Needs a person"), ("ended", "Ended"))
"""The list's parts, and what they are called."""


def _run(request: PersonRequest, pk: uuid.UUID) -> Run:
    """A run that this person may look at. Raises ``Http404`` for any other, missing or not."""
    found = visible_runs(request.membership).filter(pk=pk).first() or planted_run(request.membership, pk)
    if found is None:
        raise Http404
    return found


@require_GET
@page()
def runs(request: PersonRequest) -> HttpResponse:
    """Runs, newest first: an operator's own, or the organization's for those who review and audit."""
    fields = only(request.GET, "before", "state")
    if fields["state"] not in STATES:
        raise BadRequest("Runs are not sorted like this.")
    rows = visible_runs(request.membership)
    if fields["state"]:
        rows = rows.filter(status__in=STATES[fields["state"]])
    before = None
    if fields["before"]:
        try:
            before = uuid.UUID(fields["before"])
        except ValueError as wrong:
            raise BadRequest("This is not a place in the list.") from wrong
        rows = rows.filter(id__lt=before)
    found = with_planted(list(rows[: PAGE + 1]), request.membership, PAGE + 1, STATES[fields["state"]], before)
    actions, anew = started(found[:PAGE]), corrected(found[:PAGE])
    context = {
        "rows": [(row, actions.get(row.pk, []), anew.get(row.pk, "")) for row in found[:PAGE]],
        "tab": "runs",
        "before": found[PAGE - 1].pk if len(found) > PAGE else "",
        "may_submit": request.membership.has(Role.OPERATOR),
        "may_stop": request.membership.has(*STOPPERS),
        "over": FINISHED,
        "first_page": not fields["before"],
        "state": fields["state"],
        "states": WORDS,
        "me": request.user.pk,
    }
    return render(request, "lam_app/runs.html", context)


@require_http_methods(["GET", "POST"])
@page(Role.OPERATOR)
def run_new(request: PersonRequest) -> HttpResponse:
    """Give a goal. It is accepted in one transaction and followed on its own page."""
    context: dict[str, Any] = {
        "examples": EXAMPLES,
        "longest": LONGEST_GOAL,
        "most_files": MOST_FILES,
        "most_bytes": f"{MOST_BYTES / 1_000_000:.1f} MB",
    }
    if request.method == "GET":
        only(request.GET)
        return render(request, "lam_app/run_new.html", context)
    # A browser sends the file field where nothing was chosen too, and without a file's name it is a field like others.
    context["goal"] = only(request.POST, "goal", FIELD)["goal"].strip()
    where = "files"
    try:
        files = sent(request)
        where = "goal"
        accepted = submit(
            initiator=request.user, organization=request.organization.pk, goal=context["goal"], attached=files
        )
    except DomainError as refused:
        where = "files" if isinstance(refused, NoRoomLeft) else where
        context |= {"problem": refused.message.removeprefix(f"{where}: "), "where": where}
        return render(request, "lam_app/run_new.html", context, status=refused.http_status)
    return redirect("run", pk=accepted.pk)


@require_GET
@page()
def run(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One run: its steps, what happened, and the report."""
    only(request.GET)
    return _page(request, _run(request, pk))


def _page(request: PersonRequest, found: Run, *, problem: str = "", status: int = 200) -> HttpResponse:
    return render(request, "lam_app/run.html", {**_shown(request, found), "problem": problem}, status=status)


def _shown(request: PersonRequest, found: Run) -> dict[str, Any]:
    """What the page of a run shows to whoever asks, and what it offers them."""
    steers = _may_steer(request, found)
    told = story(found)
    canary = is_planted(found) and (told.finished or knows_canaries(request.membership))
    if canary:  # who knows that it is one is shown the record, and nothing that only seems to have happened
        told = replace(told, events=[event for event in told.events if event.digest])
    return {
        "story": told,
        "waits": [
            (action, deciders(action, reviewers(action)))
            for action in told.waiting[:MOST_WAITS]
            if action.asked_at is None
        ],
        "files": attached(found),
        "given": given(found),
        "mine": found.initiator_id == request.user.pk,
        "me": request.user.pk,
        "canary": canary,
        "may_steer": steers,
        "may_correct": steers and may_correct(found),
        "may_stop": request.membership.has(*STOPPERS),
        "may_undo": may_undo(request, found),
        "may_prove": _may_prove(request, found),
        "reads_story": _reads_story(request, told) and not canary,
        "longest": LONGEST_READING,
    }


def _reads_story(request: PersonRequest, told: Story) -> bool:
    """Whether to offer the story: to auditors and developers; to those who decide as well, once nothing waits."""
    return request.membership.has(*READS) and not (told.waiting and request.membership.has(Role.REVIEWER))


def _may_prove(request: PersonRequest, found: Run) -> bool:
    """Whether to offer evidence of it: to auditors and its initiator, where there is such a run."""
    own = request.membership.has(Role.AUDITOR) or found.initiator_id == request.user.pk
    return own and not is_planted(found)


def _may_steer(request: PersonRequest, found: Run) -> bool:
    """Whether to offer what the verbs allow: the initiator's own runs, and any for an administrator."""
    own = found.initiator_id == request.user.pk or request.membership.has(Role.ADMINISTRATOR)
    return own and found.status not in FINISHED and not is_planted(found)


@require_GET
@page()
def run_live(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The run as it is now, if the page has not seen that yet; 286 ends the asking."""
    seen = only(request.GET, "seen")["seen"]
    found = _run(request, pk)
    context = _shown(request, found)
    if context["story"].seen == seen:
        return HttpResponse(status=HTMX_NO_SWAP)
    ended = context["story"].finished
    return render(request, "lam_app/run.html#body", context, status=HTMX_STOP_POLLING if ended else 200)


@require_GET
@page()
def run_plan(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """What the run means to do, for the evidence beside one of its actions: ``step`` is the one to mark."""
    step = only(request.GET, "step")["step"] or "0"
    if not step.isascii() or not step.isdecimal() or len(step) > 4:
        raise BadRequest("That is not the number of a step.")
    found = _run(request, pk)
    actions = list(Action.objects.within(found.organization_id).of_run(found.pk))
    plan = outline(found, actions, int(step))
    return render(request, "lam_app/run.html#plan_beside", {"plan": plan, "run": found})


@require_GET
@page()
def run_goal(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """What the run is for, for the card of one of its actions."""
    only(request.GET)
    return render(request, "lam_app/run.html#goal", {"run": _run(request, pk)})


@require_POST
@page()
def run_cancel(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The initiator no longer wants it: what is still under the gate is withdrawn; what executes runs to its end."""
    only(request.POST)
    found = _run(request, pk)
    try:
        cancel(actor=request.user, organization=request.organization.pk, run_id=pk)
    except DomainError as refused:
        return _refused(request, found, refused)
    return redirect("run", pk=pk)


@require_POST
@page()
def run_input(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer what the run asks, or tell one that gave up how to go on."""
    text = only(request.POST, "text")["text"]
    found = _run(request, pk)
    try:
        answer(actor=request.user, organization=request.organization.pk, run_id=pk, text=text)
    except DomainError as refused:
        return _refused(request, found, refused)
    return redirect("run", pk=pk)


@require_POST
@page()
def run_correct(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The initiator says how the goal was meant, before anything that changes the world has begun."""
    goal = only(request.POST, "goal")["goal"]
    found = _run(request, pk)
    try:
        correct_goal(actor=request.user, organization=request.organization.pk, run_id=pk, text=goal)
    except DomainError as refused:
        return _refused(request, found, refused)
    return redirect("run", pk=pk)


def _refused(request: PersonRequest, found: Run, refused: DomainError) -> HttpResponse:
    if refused.http_status == 404:
        raise Http404 from refused
    return _page(request, found, problem=refused.message, status=refused.http_status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A 400 that says which field was wrong, where the raiser said so."""
    problem = str(exception) if isinstance(exception, BadRequest) else ""
    return render(request, "400.html", {"problem": problem}, status=400)
