"""What `up --demo` adds to the demo's people: the tools of a back office, and a first day's work with them.

The office is a service like any other. Its tools come in through the import that everybody uses, and its day goes the
whole road: goals are submitted, the model proposes, the gate holds, executors call. Deciding is no exception: the
demo's reviewer signs in with the demo's password and sends the form that the page has, since there is no other way to
decide. Where something is taken back, the demo's operator asks for it in the same way. That no person sat there, every
reason says.
"""

import json
import os
import time
import uuid
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any

from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import Organization, User
from accounts.rows import within
from approvals.facts import current_policy
from approvals.facts import document_of as policy_document
from approvals.models import Action
from approvals.services.policy import change_policy
from approvals.states import ActionStatus
from lam_app.models import Run
from lam_app.runs import submit
from lam_app.states import FINISHED, RunStatus
from tools.egress import target
from tools.kinds import Maturity, Tier
from tools.models import Tool
from tools.wire import Broken, exchange
from traces.canonical import digest

ITS_ORGANIZATION = "demo"
"""Whose back office it is."""
FROM_THE_OFFICE = frozenset({"send_message"})
"""Installed tools that the demo does without where it has an office, which does the same and has a ledger of it."""
READS_ONLY = "The demo's choice: this only reads the back office, so nobody has to be asked."
ANSWERS_FOR_IT = "administrator"
READS_AN_HOUR = {
    "id": "reads-an-hour",
    "about": {"tiers": [Tier.READ.value]},
    "per": "tool",
    "counts": "calls",
    "most": 20_000,
    "seconds": 3_600,
    "reason": "More than a demo ever needs",
}
LIMITED = "The demo's choice: nothing acts by itself without a limit, reading neither."
BY_THE_DEMO = "(Said by the demo's seeding in the name of {name}.)"
AT_REST = FINISHED | {RunStatus.NEEDS_HUMAN, RunStatus.NEEDS_INPUT, RunStatus.HALTED}
LOOK_SECONDS = 0.1
ASK_SECONDS = 10
DAY_SECONDS = 300


class OfficeSilent(Exception):
    """The back office does not answer as it should."""


class NotSignedIn(Exception):
    """One of the demo's people could not sign in."""


def bring_office(address: str) -> None:
    """Import the office's document for the demo, believing what it says of itself; what only reads asks nobody.

    An administrator's later word on a tool stays: only tools that are new or have changed are set.
    """
    before = _readers(address)
    call_command(
        "tools", "import-openapi", f"{address}/openapi.json", "--organization", ITS_ORGANIZATION, "--trust-extensions"
    )
    _limit_reads()
    for name, version in _readers(address).items():
        if before.get(name) != version:
            freer = ("--owner", ANSWERS_FOR_IT, "--maturity", Maturity.AUDIT_ONLY.value, "--reason", READS_ONLY)
            try:
                call_command("tools", "set", name, "--organization", ITS_ORGANIZATION, *freer)
            except CommandError as refused:  # an administrator's policy may say otherwise by now
                print(f"{name} stays in the loop: {refused}", flush=True)


def _limit_reads() -> None:
    """The demo's first policy with a limit on reading; whatever policy somebody wrote since stays."""
    organization = Organization.objects.get(slug=ITS_ORGANIZATION)
    first = current_policy(organization.pk)
    if first.number == 1:
        by = User.objects.get(username=ANSWERS_FOR_IT)
        document = {**policy_document(first).to_json(), "limits": [READS_AN_HOUR]}
        change_policy(organization.pk, document, reason=LIMITED, by=by, after=first.number)


def document_of(address: str) -> str:
    """A digest of what the office says of itself now. Raises OfficeSilent."""
    return digest("document", _office("GET", f"{address}/openapi.json"))


def _readers(address: str) -> dict[str, str]:
    found = Tool.objects.filter(
        organization__slug=ITS_ORGANIZATION, tier=Tier.READ.value, version__contract__binding__server=address
    )
    return dict(found.values_list("name", "version__hash"))


def play_day(address: str, pages: str) -> str:
    """Have the office's errands done or staged, as far as each says; what there is at the end, in words.

    ``pages`` is the host and port of the pages. Playing it again changes nothing: a goal that was submitted is the
    same run. Raises OfficeSilent, NotSignedIn, or TimeoutError when a run is still under way after DAY_SECONDS.
    """
    organization = Organization.objects.get(slug=ITS_ORGANIZATION)
    with within(organization.pk):
        return _play(organization, address, pages)


def _play(organization: Organization, address: str, pages: str) -> str:
    operator = User.objects.get(username="operator")
    password = os.environ["LAM_DEMO_PASSWORD"]
    asks, reviewer = Person(pages, operator.username, password), Person(pages, "reviewer", password)
    underway: dict[uuid.UUID, dict[str, Any]] = {}
    for number, errand in enumerate(_office("GET", f"{address}/control/day")["errands"]):
        key = f"the demo's day, errand {number}"
        run = submit(initiator=operator, organization=organization.pk, goal=errand["goal"], client_key=key)
        underway[run.id] = errand
    runs = list(underway)
    end = time.monotonic() + DAY_SECONDS
    while underway:
        if time.monotonic() > end:
            raise TimeoutError(f"{len(underway)} runs of the demo's day are still under way")
        for action in Action.objects.filter(
            run__in=list(underway), status__in=(ActionStatus.IN_REVIEW, ActionStatus.UNCERTAIN)
        ):
            errand = underway[action.run]
            if action.status == ActionStatus.UNCERTAIN or not _decided(action, errand, reviewer, address):
                del underway[action.run]
        for done in Run.objects.filter(id__in=list(underway), status__in=AT_REST):
            if done.undo_by_id or not asks.takes_back(done, underway[done.id]["taken_back"]):
                del underway[done.id]
        time.sleep(LOOK_SECONDS)
    left = Action.objects.filter(run__in=runs)
    waiting = left.filter(status=ActionStatus.IN_REVIEW).count()
    unknown = left.filter(status=ActionStatus.UNCERTAIN).count()
    undone = Run.objects.filter(id__in=runs, status=RunStatus.UNDONE).count()
    return f"{len(runs)} runs, {undone} taken back, {waiting} requests in review, {unknown} of unknown outcome"


def _decided(action: Action, errand: dict[str, Any], reviewer: "Person", address: str) -> bool:
    """Say what the errand says; False where it says nothing, or where the gate does not take it now."""
    if not errand["said"]:
        return False
    if errand["answer_lost"]:
        _office("POST", f"{address}/control/faults", {"operation": action.tool_name, "mode": "lose_answer"})
    return reviewer.decides(action, errand["said"], errand["taken_back"] if action.undo_of else errand["why"])


class Person:
    """One of the demo's people with a browser session that nobody looks at."""

    def __init__(self, pages: str, name: str, password: str) -> None:
        """Sign in. Raises NotSignedIn."""
        self.pages = pages
        self.said = BY_THE_DEMO.format(name=name)
        self.cookies: dict[str, str] = {}
        self._send("GET", reverse("account_login"))
        if not self._send("POST", reverse("account_login"), login=name, password=password):
            raise NotSignedIn(f"{name} could not sign in at {pages}")

    def decides(self, action: Action, decision: str, why: str) -> bool:
        """Send the card's form; whether it was taken."""
        where, card = reverse("action_decide", args=[action.id]), reverse("action", args=[action.id])
        return self._send("POST", where, decision=decision, digest=action.digest, reason=f"{why} {self.said}") == card

    def takes_back(self, run: Run, why: str) -> bool:
        """Send the form that asks for a run to be taken back, where there is a reason to; whether it was taken."""
        where, page = reverse("run_undo", args=[run.id]), reverse("run", args=[run.id])
        return bool(why) and self._send("POST", where, reason=f"{why} {self.said}") == page

    def _send(self, method: str, path: str, **fields: str) -> str:
        """Ask for a page, or send its form; where the answer leads, or nothing where it is a page itself."""
        body = urlencode({**fields, "csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}) if fields else None
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line = HTTPConnection(self.pages, timeout=ASK_SECONDS)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            answer.read()
        finally:
            line.close()
        for cookie in answer.msg.get_all("Set-Cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return answer.getheader("Location", "") if 300 <= answer.status < 400 else ""


def _office(method: str, url: str, asked: Any = None) -> Any:
    """What the office answers to its own staff; no part of the road. Raises OfficeSilent."""
    only = frozenset({target(url).place})
    body = None if asked is None else json.dumps(asked).encode()
    headers = {"Content-Type": "application/json"}
    found = exchange(method, url, headers, body, network=only, private=only, seconds=ASK_SECONDS)
    if isinstance(found, Broken):
        raise OfficeSilent(f"{url}: {found.text}")
    if found.status != 200:
        raise OfficeSilent(f"{url}: answered {found.status}")
    return json.loads(found.body)
