"""The audit log's pages: all events of the organization, narrowed by what an auditor looks for; a row's history."""

import functools
import operator
import uuid
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, id_of, only, page
from accounts.roles import Role
from approvals.models import Action
from lam_app.models import Run
from lam_app.templatetags.story import VERBS
from tools.models import Execution, Tool
from traces.ids import LAST, NIL, first_of
from traces.log import STRETCH, Sought, history, look
from traces.models import Event, EventQuerySet

FIELDS: Final = ("verb", "who", "kind", "about", "tool", "run", "since", "until", "own")
MORE: Final = ("about", "run", "since", "until", "own")
"""Fields that stand folded away while they say nothing."""
KINDS: Final = (
    "action", "run", "execution", "permit", "stop", "tool", "organization", "user", "inquiry", "trace", "retention",
    "hold", "erasure",
)  # fmt: skip
KIND_WORDS: Final = {"inquiry": "Asked of the sealer", "execution": "Ledger", "trace": "Model call"}
"""Kinds that read otherwise than they are called."""
PAGES: Final = {"action": "action", "run": "run", "tool": "tool"}
"""Kinds of rows that have a page of their own, and its route."""


@require_GET
@page(Role.AUDITOR)
def audit(request: PersonRequest) -> HttpResponse:
    """The log, a page at a time, newest first."""
    fields = only(request.GET, *FIELDS, "before")
    if fields["own"] not in ("", "1"):
        raise BadRequest("The log is not narrowed like this.")
    organization = request.organization.pk
    asked = {name: fields[name] for name in FIELDS if fields[name]}
    context: dict[str, Any] = {
        "found": look(organization, _sought(fields), _of_tool(organization, fields["tool"])),
        "fields": fields,
        "filtered": bool(asked),
        "more": any(fields[name] for name in MORE),
        "kept": urlencode(asked),
        "kinds": [(kind, KIND_WORDS.get(kind, kind.capitalize())) for kind in KINDS],
        "verbs": sorted(((verb, told.says) for verb, told in VERBS.items()), key=lambda one: one[1]),
        "strange": fields["verb"] not in VERBS and fields["verb"],
        "tools": Tool.objects.filter(organization=organization).order_by("name").values_list("name", flat=True),
        "stretch": STRETCH,
        "pages": PAGES,
        "tab": "log",
    }
    return render(request, "traces/audit.html", context)


@require_GET
@page(Role.AUDITOR)
def subject(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Everything that happened to one row, whatever it is, or within one run."""
    fields = only(request.GET, "before")
    organization = request.organization.pk
    below = id_of(fields["before"]) if fields["before"] else LAST
    found = history(organization, pk, below=below)
    if not found.lines and not fields["before"]:
        raise Http404
    own = [line.event for line in found.lines if line.event.subject == pk]
    kind = own[0].subject_kind if own else "run"
    there = {"action": Action.objects.within(organization), "run": Run.objects.within(organization)}
    context = {
        "found": found,
        "pk": pk,
        "kind": kind,
        "evidence": kind in there and there[kind].filter(pk=pk).exists(),
        "pages": PAGES,
        "tab": "log",
    }
    return render(request, "traces/subject.html", context)


def _sought(fields: dict[str, str]) -> Sought:
    """What a form asks for. Raises ``BadRequest`` for what is no id and no day."""
    until = _day(fields["until"], days=1)
    below = id_of(fields["before"]) if fields["before"] else LAST
    return Sought(
        verb=fields["verb"].strip(),
        who=fields["who"].strip(),
        kind=fields["kind"],
        subject=id_of(fields["about"].strip()) if fields["about"] else None,
        run=id_of(fields["run"].strip()) if fields["run"] else None,
        since=_day(fields["since"]) or NIL,
        below=min(below, until) if until else below,
        organizations_own=fields["own"] == "1",
    )


def _day(text: str, days: int = 0) -> uuid.UUID | None:
    """The first id of a day in the reader's time zone, or of so many days later; None where none is named."""
    if not text:
        return None
    try:
        return first_of(timezone.make_aware(datetime.combine(date.fromisoformat(text) + timedelta(days=days), time())))
    except (ValueError, OverflowError) as wrong:
        raise BadRequest("That is not a day.") from wrong


def _of_tool(organization: uuid.UUID, name: str) -> EventQuerySet | None:
    """The events of a tool: of its actions, of its part of the ledger, and its own."""
    if not name:
        return None
    own = OuterRef("subject")
    actions = Action.objects.filter(pk=own, organization=organization, tool_name=name)
    ledger = Execution.objects.filter(pk=own, organization=organization, tool__name=name)
    tools = Tool.objects.filter(pk=own, organization=organization, name=name)
    # Asked row by row of the stretch that a page looks through: a tool may have had millions of actions.
    rows = {"action": actions, "execution": ledger, "tool": tools}
    about = [Q(Exists(some), subject_kind=kind) for kind, some in rows.items()]
    return Event.objects.within(organization).filter(functools.reduce(operator.or_, about))
