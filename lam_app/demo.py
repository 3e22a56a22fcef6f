"""What `up --demo` adds to the demo's people: the tools of a back office, and a first day's work with them.

The office is a service like any other. Its tools come in through the import that everybody uses, and its day goes the
whole road: goals are submitted, the model proposes, the gate holds, executors call. The one thing that no person does
here is deciding: the demo's reviewer decides through the verbs that the pages use, and every reason says so.
"""

import json
import time
import uuid
from typing import Any

from django.core.management import call_command

from accounts.models import Organization, User
from approvals.models import Action
from approvals.services.approve import approve
from approvals.services.reject import reject
from approvals.states import ActionStatus
from lam_app.models import Run
from lam_app.runs import submit
from lam_app.states import FINISHED, RunStatus
from tools.egress import target
from tools.kinds import Maturity, Tier
from tools.models import Tool
from tools.wire import Broken, exchange
from traces.canonical import digest
from traces.exceptions import DomainError

ITS_ORGANIZATION = "demo"
"""Whose back office it is."""
FROM_THE_OFFICE = frozenset({"send_message"})
"""Installed tools that the demo does without where it has an office, which does the same and has a ledger of it."""
READS_ONLY = "The demo's choice: this only reads the back office, so nobody has to be asked."
BY_THE_DEMO = "(Said by the demo's seeding in the name of reviewer.)"
AT_REST = FINISHED | {RunStatus.NEEDS_HUMAN, RunStatus.NEEDS_INPUT, RunStatus.HALTED}
LOOK_SECONDS = 0.1
ASK_SECONDS = 10
DAY_SECONDS = 300


class OfficeSilent(Exception):
    """The back office does not answer as it should."""


def bring_office(address: str) -> None:
    """Import the office's document for the demo, believing what it says of itself; what only reads asks nobody.

    An administrator's later word on a tool stays: only tools that are new or have changed are set.
    """
    before = _readers(address)
    call_command(
        "tools", "import-openapi", f"{address}/openapi.json", "--organization", ITS_ORGANIZATION, "--trust-extensions"
    )
    for name, version in _readers(address).items():
        if before.get(name) != version:
            freer = ("--maturity", Maturity.AUDIT_ONLY.value, "--reason", READS_ONLY)
            call_command("tools", "set", name, "--organization", ITS_ORGANIZATION, *freer)


def document_of(address: str) -> str:
    """A digest of what the office says of itself now. Raises OfficeSilent."""
    return digest("document", _office("GET", f"{address}/openapi.json"))


def _readers(address: str) -> dict[str, str]:
    found = Tool.objects.filter(
        organization__slug=ITS_ORGANIZATION, tier=Tier.READ.value, version__contract__binding__server=address
    )
    return dict(found.values_list("name", "version__hash"))


def play_day(address: str) -> str:
    """Have the office's errands done or staged, as far as each says; what there is at the end, in words.

    Playing it again changes nothing: a goal that was submitted is the same run. Raises OfficeSilent, or TimeoutError
    when some run is still under way after DAY_SECONDS.
    """
    organization = Organization.objects.get(slug=ITS_ORGANIZATION)
    operator = User.objects.get(username="operator")
    reviewer = User.objects.get(username="reviewer")
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
        for done in Run.objects.filter(id__in=list(underway), status__in=AT_REST).values_list("id", flat=True):
            del underway[done]
        time.sleep(LOOK_SECONDS)
    left = Action.objects.filter(run__in=runs)
    waiting = left.filter(status=ActionStatus.IN_REVIEW).count()
    unknown = left.filter(status=ActionStatus.UNCERTAIN).count()
    return f"{len(runs)} runs, {waiting} requests in review, {unknown} of unknown outcome"


def _decided(action: Action, errand: dict[str, Any], reviewer: User, address: str) -> bool:
    """Say what the errand says; False where it says nothing, or where the gate does not let anybody decide now."""
    if not errand["said"]:
        return False
    if errand["answer_lost"]:
        _office("POST", f"{address}/control/faults", {"operation": action.tool_name, "mode": "lose_answer"})
    decide = approve if errand["said"] == "approve" else reject
    try:
        decide(
            actor=reviewer,
            organization=action.organization_id,
            action_id=action.id,
            digest=action.digest,
            reason=f"{errand['why']} {BY_THE_DEMO}",
        )
    except DomainError:
        return False
    return True


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
