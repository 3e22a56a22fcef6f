"""What a request says beyond what it is asked: filters, extra fields, other organizations, other people's names."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as product
from django.test import Client

from accounts.models import User
from tests.support.api import account
from tests.support.routes import BODIES, ROWS, SIGNED, SIGNING_IN
from tests.support.walking import CALLERS, Walk, addresses, kind_of, made, make_walk, place, plain, rows_of
from tests.support.world import World
from traces.models import Event

PATTERNS = dict(addresses())
OPEN = SIGNING_IN | {"healthz", "readyz", "jwks", "api/v1/openapi.json", "api/v1/"}
"""Where nobody's rows are shown."""
READ = [key for key, row in ROWS.items() if "GET" in row]
POSTED = [
    key
    for key, row in ROWS.items()
    if "POST" in row and key not in SIGNING_IN | SIGNED | {"api/v1/openapi.json", "api/v1/"}
]
REFUSED = {400, 422}
LOOKUPS = {
    "initiator__password__startswith": "p",
    "organization__slug": "elsewhere",
    "organization": "elsewhere",
    "organization_id": "",
    "ordering": "initiator__password",
    "order_by": "-initiator__password",
    "fields": "*",
    "status__in": "in_review",
}
EXTRA = {
    "organization": "",
    "organization_id": "",
    "status": "permitted",
    "state": "done",
    "approver": "reviewer",
    "decider": "reviewer",
    "requested_by": "administrator",
    "principals": "[]",
    "is_superuser": "true",
    "maturity": "audit_only",
    "id": "",
}
ASKED = {**dict.fromkeys(("policy_new", "policy_entry"), ("maturity", "id")), "tool_dial": ("maturity",)}
"""Forms on which an administrator says what is an intruder everywhere else."""
ANOTHER = (
    "X-User", "X-Remote-User", "Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "X-Impersonate", "X-Sudo",
    "Impersonate-User", "X-On-Behalf-Of", "X-Act-As", "X-Authenticated-Userid", "X-Organization", "X-Tenant",
)  # fmt: skip
"""Headers by which others let a caller be somebody else."""


@pytest.fixture
def walk(world: World, settings: Any) -> Iterator[Walk]:
    """Everybody, as the web account."""
    settings.ACCOUNT_RATE_LIMITS = False
    walk = make_walk(world)
    with account("web"):
        yield walk


def admitted(key: str, method: str) -> str:
    """Somebody whom the row lets in."""
    answers = ROWS[key][method]
    return answers[min(answers, key=lambda status: (status in {403, 404}, status))].split()[0]


def own_path(walk: Walk, key: str, caller: str) -> str:
    """The address, for a new thing of the caller's own."""
    pattern = PATTERNS[key]
    kind = "tool_name" if "<name>" in pattern else kind_of(pattern)
    return place(pattern, made(walk.side(caller)[0], kind) if kind else "")


@pytest.mark.parametrize("key", READ)
def test_t62_no_filter_is_taken_that_the_route_does_not_name(key: str, walk: Walk) -> None:
    """Refused where somebody's rows are shown, and without any meaning where there are none."""
    caller = admitted(key, "GET")
    path = own_path(walk, key, caller)
    usual = walk.ask(caller, "GET", path)
    for name, value in LOOKUPS.items():
        query = {name: value or str(walk.there.organization)}
        asked = walk.client(caller).get(path, query, headers=bearing(walk, caller))
        if key in OPEN:
            assert (asked.status_code, said(asked)) == (usual.status_code, said(usual)), name
        else:
            assert asked.status_code in REFUSED, name


def said(answer: Any) -> str:
    """What an answer says, whenever it is asked for."""
    return plain(answer.content.decode())


def bearing(walk: Walk, caller: str) -> dict[str, str]:
    """The caller's token, if it is one."""
    return {"Authorization": f"Bearer {walk.tokens[caller]}"} if caller in walk.tokens else {}


@pytest.mark.parametrize("key", POSTED)
def test_t59_t73_a_field_that_nobody_asked_for_refuses_the_request_and_changes_nothing(key: str, walk: Walk) -> None:
    caller = admitted(key, "POST")
    path = own_path(walk, key, caller)
    before = [rows_of(side.organization) for side in (walk.here, walk.there)]
    for name, value in EXTRA.items():
        if name in ASKED.get(key, ()):
            continue
        body = {**BODIES.get(key, {}), name: value or str(walk.there.organization)}
        answer = walk.ask(caller, "POST", path, body)
        assert answer.status_code in REFUSED, (key, name)
    assert [rows_of(side.organization) for side in (walk.here, walk.there)] == before


@pytest.mark.parametrize("key", sorted(key for key in SIGNING_IN if "POST" in ROWS[key]))
def test_t73_the_forms_of_signing_in_change_nobody(key: str, walk: Walk) -> None:
    """They ignore what they do not know."""
    walk.client("reviewer")
    before = list(User.objects.order_by("pk").values())
    sides = [rows_of(side.organization) for side in (walk.here, walk.there)]
    walk.ask("reviewer", "POST", own_path(walk, key, "reviewer"), {"password": "not theirs", **EXTRA})
    assert list(User.objects.order_by("pk").values()) == before
    assert [rows_of(side.organization) for side in (walk.here, walk.there)] == sides


@pytest.mark.parametrize("key", [key for key in POSTED if key.startswith("api/")])
def test_t59_an_organization_deep_in_a_body_is_nobodys(key: str, walk: Walk) -> None:
    """Where a body may hold anything, as a call's arguments, what it says is a value like any other, or is refused."""
    caller = admitted(key, "POST")
    path = own_path(walk, key, caller)
    there = rows_of(walk.there.organization)
    foreign = {"organization": str(walk.there.organization), "organization_id": str(walk.there.organization)}
    for name in ("context", "arguments", "target", "scope", "reason", "goal", "text", "tool"):
        body = {**BODIES.get(key, {}), name: {**foreign, "inner": [foreign]}}
        answer = walk.ask(caller, "POST", path, body)
        assert answer.status_code in {*REFUSED, 201, 202}, (key, name)
    assert rows_of(walk.there.organization) == there


@pytest.mark.parametrize("caller", [caller for caller in CALLERS if caller != "outsider"])
def test_t75_nobody_asks_as_somebody_else(caller: str, walk: Walk) -> None:
    """Neither a header nor a cookie nor a field changes who asks, whose rows these are, or who is remembered for it."""
    action = made(walk.here, "action")
    api = caller in walk.tokens
    path = f"/api/v1/actions/{made(walk.there, 'action')}" if api else f"/actions/{action}/decide/"
    method, body = ("GET", None) if api else ("POST", BODIES["action_decide"])
    plain = walk.ask(caller, method, path, body).status_code
    for name in ("reviewer", "outsider", "administrator", str(walk.world.reviewer.pk)):
        headers = {**dict.fromkeys(ANOTHER, name), **bearing(walk, caller)}
        client = walk.client(caller)
        client.cookies["user"] = client.cookies["impersonate"] = name
        ask = client.get if method == "GET" else client.post
        answer = ask(path, body, headers=headers, REMOTE_USER=name)
        assert answer.status_code == plain, name
        assert answer.wsgi_request.user.username == (caller if caller in walk.world.people else "")
    told = Event.objects.filter(verb="refused").exclude(actor_name=caller)
    with account("worker"):
        assert not told.filter(subject=uuid.UUID(action)).exists()


def test_t75_there_is_no_way_in_for_somebody_else() -> None:
    words = ("impersonat", "hijack", "masquerad", "su/", "login-as", "loginas", "switch-user", "become", "admin/")
    assert not [pattern for pattern in PATTERNS.values() if any(word in pattern.lower() for word in words)]
    parts = (*product.MIDDLEWARE, *product.AUTHENTICATION_BACKENDS, *product.INSTALLED_APPS)
    assert not [part for part in parts if any(word in part.lower() for word in ("remoteuser", "imperson", "hijack"))]
    assert "django.contrib.admin" not in product.INSTALLED_APPS


def test_t75_no_method_hides_in_another(walk: Walk) -> None:
    run = made(walk.here, "run")
    before = rows_of(walk.here.organization)
    for headers in ({"X-HTTP-Method-Override": "POST"}, {"X-HTTP-Method": "POST"}, {"X-Method-Override": "POST"}):
        client: Client = walk.client("operator")
        assert client.get(f"/runs/{run}/cancel/", {"_method": "POST"}, headers=headers).status_code == 405
    assert rows_of(walk.here.organization) == before


def test_t75_a_person_of_two_organizations_is_in_one_at_a_time(walk: Walk) -> None:
    """The session says which; a session that names one where its person does not belong is in none of its rows."""
    client = walk.client("reviewer")
    session = client.session
    session["organization"] = str(walk.there.organization)
    session.save()
    assert client.get(f"/actions/{made(walk.there, 'action')}/").status_code == 404
    assert client.get(f"/actions/{made(walk.here, 'action')}/").status_code == 200
    assert User.objects.filter(is_superuser=True).count() == 0
