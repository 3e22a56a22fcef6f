"""Every route of the API stands in one table: which tokens open it, by method. A new one without a row fails."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken
from lam_app.api import api
from tests.support.api import ROOT, Api, make_api
from tests.support.walking import BACKEND, addresses
from tests.support.world import MESSAGE, World

AGENT, OPERATE, AUDIT = ApiToken.Scope.AGENT.value, ApiToken.Scope.OPERATE.value, ApiToken.Scope.AUDIT.value
SCOPES = (AGENT, OPERATE, AUDIT)

ROUTES: dict[tuple[str, str], tuple[str, ...]] = {
    ("POST", "runs"): (OPERATE,),
    ("GET", "runs"): (OPERATE, AUDIT),
    ("GET", "runs/<uuidstr:run_id>"): (OPERATE, AUDIT),
    ("GET", "runs/<uuidstr:run_id>/events"): (OPERATE, AUDIT),
    ("POST", "runs/<uuidstr:run_id>/input"): (OPERATE,),
    ("POST", "runs/<uuidstr:run_id>/cancel"): (OPERATE,),
    ("POST", "actions"): (AGENT,),
    ("GET", "actions"): SCOPES,
    ("GET", "actions/<uuidstr:action_id>"): SCOPES,
    ("GET", "tools"): SCOPES,
    ("GET", "tools/<name>"): SCOPES,
    ("POST", "kill-switches"): (AGENT, OPERATE),
    ("GET", "kill-switches"): SCOPES,
    ("GET", "audit/events"): (AUDIT,),
}
"""None of them decides on an action or lifts a stop: that takes a person's session."""

OPEN = {"openapi.json", ""}
"""The document, and the root, which ninja names and which is not there."""

BODIES: dict[str, Any] = {
    "runs": {"goal": "Tell the customer of order 1009 that it is delayed until Friday"},
    "runs/<uuidstr:run_id>/input": {"text": "an answer"},
    "runs/<uuidstr:run_id>/cancel": {},
    "actions": {"tool": "send_message", "arguments": MESSAGE},
    "kill-switches": {"scope": "organization", "reason": "a drill"},
}
ROWS = sorted(ROUTES)


@pytest.fixture
def tokens(world: World) -> Api:
    """A caller for each kind of token."""
    return make_api(world)


@pytest.fixture
def ids(world: World, tokens: Api) -> dict[str, str]:
    """One of each kind in organization `demo`."""
    return {"run": str(world.run().id), "action": tokens.staged()["id"], "tool": "send_message"}


def path(pattern: str, ids: dict[str, str]) -> str:
    """The route's path below the root, for these things."""
    filled = pattern.replace("<uuidstr:run_id>", ids["run"]).replace("<uuidstr:action_id>", ids["action"])
    return filled.replace("<name>", ids["tool"])


def ask(caller: Any, method: str, pattern: str, ids: dict[str, str]) -> Any:
    """One request, with the body that belongs to the route."""
    where = path(pattern, ids)
    return caller.get(where) if method == "GET" else caller.post(where, BODIES[pattern])


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    found = {at.removeprefix("api/v1/") for _, at in addresses() if at.startswith("api/v1/")}
    assert found == {pattern for _, pattern in ROUTES} | OPEN


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    found = {
        (method, f"{prefix}{place}".strip("/").replace("{", "<").replace("}", ">"))
        for prefix, router in api._routers
        for place, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }
    assert found == set(ROUTES)


def test_nobody_and_no_session_opens_the_api(world: World, tokens: Api, ids: dict[str, str]) -> None:
    signed_in = Client()
    signed_in.force_login(world.people["administrator"], backend=BACKEND)
    for method, pattern in ROWS:
        without = ask(tokens.stranger, method, pattern, ids)
        with_session = signed_in.generic(method, f"{ROOT}/{path(pattern, ids)}", "{}", "application/json")
        for answer in (without, with_session):
            assert answer.status_code == 401, (method, pattern)
            assert answer["Content-Type"] == "application/problem+json"
            assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_token_opens_the_routes_of_its_scope_and_no_others(tokens: Api, ids: dict[str, str]) -> None:
    callers = {AGENT: tokens.bot, OPERATE: tokens.operator, AUDIT: tokens.auditor}
    for method, pattern in ROWS:
        for scope, caller in callers.items():
            answer = ask(caller, method, pattern, ids)
            said = answer.json().get("detail", "") if answer.status_code == 403 else ""
            closed = answer.status_code == 403 and said.startswith("This token's scope is")
            assert closed == (scope not in ROUTES[method, pattern]), (method, pattern, scope, answer.status_code)
            assert answer.status_code < 500


def test_what_belongs_elsewhere_and_what_is_nowhere_answer_alike(tokens: Api, ids: dict[str, str]) -> None:
    nowhere = {"run": str(uuid.uuid4()), "action": str(uuid.uuid4()), "tool": "no_such_tool"}
    for method, pattern in [row for row in ROWS if "<uuidstr" in row[1]]:
        foreign = ask(tokens.outsider, method, pattern, ids)
        missing = ask(tokens.outsider, method, pattern, nowhere)
        assert (foreign.status_code, missing.status_code) == (404, 404), (method, pattern)
        assert foreign.content == missing.content


def test_no_token_opens_a_page_or_a_decision(tokens: Api, ids: dict[str, str]) -> None:
    for caller in (tokens.bot, tokens.operator, tokens.reviewer, tokens.auditor):
        assert caller.get("/").status_code == 302
        assert caller.get(f"/actions/{ids['action']}/").status_code == 302
        assert caller.post(f"/actions/{ids['action']}/decide/", {"decision": "approve"}).status_code == 302


def test_no_other_method_is_answered(tokens: Api, ids: dict[str, str]) -> None:
    header = {"Authorization": f"Bearer {tokens.operator.token}"}
    for pattern in {pattern for _, pattern in ROWS}:
        for method in ("POST", "GET", "PUT", "PATCH", "DELETE", "TRACE"):
            if (method, pattern) not in ROUTES:
                answer = Client().generic(method, f"{ROOT}/{path(pattern, ids)}", headers=header)
                assert answer.status_code == 405, (method, pattern)
