"""Every address of the product stands in one table: who may ask, by which methods. A new one without a row fails.

The rows are then walked: as nobody, as somebody of another organization, as each kind of member, with every method and
without a form's token. The API's routes have a table of their own in `test_api_routes`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.support.world import World
from tools.killswitch import engage

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
EVERY_MEMBER = ("operator", "reviewer", "administrator", "auditor", "developer")
ANYBODY = ("nobody",)
Things = dict[str, uuid.UUID]
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True)
class Route:
    """One address: its pattern, its methods, whose page it is, and whose thing it shows."""

    pattern: str
    methods: tuple[str, ...]
    who: tuple[str, ...]
    thing: str = ""
    """What the id in the address names; it has to be one of the person's organization, and theirs to see."""


GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")

ROUTES = {
    "inbox": Route("", GET, EVERY_MEMBER),
    "inbox_news": Route("inbox/news/", GET, ("reviewer",)),
    "inbox_views": Route("inbox/views/", POST, ("reviewer",)),
    "action": Route("actions/<uuid:pk>/", GET, EVERY_MEMBER, "action"),
    "action_live": Route("actions/<uuid:pk>/live/", GET, EVERY_MEMBER, "action"),
    "action_fold": Route("actions/<uuid:pk>/fold/", GET, EVERY_MEMBER, "action"),
    "action_trace": Route("actions/<uuid:pk>/trace/", GET, ("auditor",), "action"),
    "action_decide": Route("actions/<uuid:pk>/decide/", POST, EVERY_MEMBER, "action"),
    "action_edit": Route("actions/<uuid:pk>/edit/", BOTH, EVERY_MEMBER, "action"),
    "action_probe": Route("actions/<uuid:pk>/probe/", POST, EVERY_MEMBER, "action"),
    "stop": Route("stop/", BOTH, EVERY_MEMBER),
    "stop_ease": Route("stop/<uuid:pk>/ease/", POST, EVERY_MEMBER, "stop"),
    "stop_release": Route("stop/<uuid:pk>/release/", POST, EVERY_MEMBER, "stop"),
    "runs": Route("runs/", GET, EVERY_MEMBER),
    "run_new": Route("runs/new/", BOTH, ("operator",)),
    "run": Route("runs/<uuid:pk>/", GET, EVERY_MEMBER, "run"),
    "run_live": Route("runs/<uuid:pk>/live/", GET, EVERY_MEMBER, "run"),
    "run_goal": Route("runs/<uuid:pk>/goal/", GET, EVERY_MEMBER, "run"),
    "run_undo": Route("runs/<uuid:pk>/undo/", BOTH, ("operator", "administrator"), "run"),
    "run_cancel": Route("runs/<uuid:pk>/cancel/", POST, EVERY_MEMBER, "run"),
    "run_input": Route("runs/<uuid:pk>/input/", POST, EVERY_MEMBER, "run"),
    "tools": Route("tools/", GET, EVERY_MEMBER),
    "outbox": Route("tools/outbox/", GET, EVERY_MEMBER),
    "tool": Route("tools/<uuid:pk>/", GET, EVERY_MEMBER, "tool"),
    "people": Route("settings/people/", BOTH, ("administrator", "auditor")),
    "teams": Route("settings/teams/", BOTH, ("administrator", "auditor")),
    "audit": Route("audit/", GET, ("auditor",)),
    "account_login": Route("accounts/login/", BOTH, ANYBODY),
    "account_logout": Route("accounts/logout/", BOTH, ANYBODY),
    "account_reauthenticate": Route("accounts/reauthenticate/", BOTH, EVERY_MEMBER),
    "account_inactive": Route("accounts/inactive/", GET, ANYBODY),
    "account_signup": Route("accounts/signup/", BOTH, ANYBODY),
    "healthz": Route("healthz", GET, ANYBODY),
    "readyz": Route("readyz", GET, ANYBODY),
    "jwks": Route(".well-known/jwks.json", GET, ANYBODY),
}
"""Who may ask. What a verb then allows is the verb's to say: deciding and stopping have tests of their own."""

ALSO = {"account_signup": {"TRACE"}}
"""allauth answers "closed" to whatever it is asked."""

FORMS: dict[str, dict[str, str]] = {
    "inbox_views": {"what": "keep", "name": "Money first", "query": "risk=high"},
    "action_decide": {"decision": "approve", "digest": "sha256:0", "reason": ""},
    "action_edit": {"digest": "sha256:0", "reason": ""},
    "account_reauthenticate": {"password": "not theirs"},
    "stop_ease": {"reason": "over"},
    "stop_release": {"reason": "over"},
    "run_undo": {"reason": "over"},
    "run_input": {"text": "an answer"},
}
FOREIGN = [name for name, route in ROUTES.items() if route.thing]
CLOSED = [name for name, route in ROUTES.items() if route.who != ANYBODY]


OPEN = [name for name, route in ROUTES.items() if route.who == ANYBODY]


def each(names: list[str]) -> list[tuple[str, str]]:
    """Every one of these routes with every method that it answers."""
    return [(name, method) for name in names for method in ROUTES[name].methods]


def patterns(resolver: URLResolver, before: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Name and pattern of every address below a resolver."""
    for entry in resolver.url_patterns:
        pattern = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield f"{space}{entry.name}", pattern
        else:
            yield from patterns(entry, pattern, f"{space}{entry.namespace}:" if entry.namespace else space)


@pytest.fixture
def things(world: World) -> Things:
    """One of each kind in organization `demo`."""
    run = world.run()
    switch = engage(
        actor=world.reviewer, organization=world.organization.id, scope="run", target=run.id, reason="a drill"
    )
    return {"run": run.id, "action": world.staged().id, "tool": world.tool().id, "stop": switch.id}


def address(name: str, things: Things) -> str:
    """The route's address for the thing of its kind."""
    thing = ROUTES[name].thing
    return reverse(name, args=[things[thing]] if thing else [])


def signed_in(world: World, name: str, **options: Any) -> Client:
    """A browser of the person of that name."""
    client = Client(**options)
    client.force_login(world.people[name], backend=BACKEND)
    return client


def ask(client: Client, name: str, path: str, method: str) -> Any:
    """One request, with the form that belongs to the route."""
    data = FORMS.get(name, {}) if method == "POST" else {}
    return (
        client.generic(method, path) if method not in {"GET", "POST"} else getattr(client, method.lower())(path, data)
    )


def plain(answer: Any) -> str:
    """What a page says, without what differs from request to request: form tokens, the time, the address itself."""
    text = answer.content.decode().replace(answer.request["PATH_INFO"], "HERE")
    text = re.sub(r'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": ?)"[^"]+"', "TOKEN", text)
    return re.sub(r'<meta name="server-time" content="[^"]*">', "", text)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    found = {name: pattern for name, pattern in patterns(get_resolver()) if not name.startswith("api:")}
    assert found == {name: route.pattern for name, route in ROUTES.items()}


def test_every_address_has_a_name_of_its_own() -> None:
    names = [name for name, _ in patterns(get_resolver())]
    assert len(names) == len(set(names))


def test_nobody_is_sent_to_sign_in(things: Things) -> None:
    there = reverse("account_login")
    for name, method in each(CLOSED):
        answer = ask(Client(), name, address(name, things), method)
        assert answer.status_code == 302, (name, method)
        assert answer.headers["Location"].startswith(f"{there}?next="), (name, method)


def test_a_fragment_sends_its_whole_page_to_sign_in(things: Things) -> None:
    for name, method in each(CLOSED):
        answer = Client(headers={"HX-Request": "true"}).generic(method, address(name, things))
        assert answer.content == b"", (name, method)
        assert "HX-Refresh" in answer.headers or answer.headers["HX-Redirect"] == reverse("account_login")


def test_nobody_is_answered_on_open_pages_only(world: World) -> None:
    for name in OPEN:
        assert Client().get(reverse(name)).status_code in {200, 302}, name


def test_what_belongs_elsewhere_and_what_is_nowhere_answer_alike(world: World, things: Things) -> None:
    outsider, nowhere = signed_in(world, "outsider"), dict.fromkeys(things, uuid.uuid4())
    for name, method in each(FOREIGN):
        foreign = ask(outsider, name, address(name, things), method)
        missing = ask(outsider, name, address(name, nowhere), method)
        assert (foreign.status_code, missing.status_code) == (404, 404), (name, method)
        assert plain(foreign) == plain(missing), (name, method)


def test_their_own_things_are_found(world: World, things: Things) -> None:
    """The counterpart of the test above, which would pass for pages that are always missing."""
    for name, method in each(FOREIGN):
        theirs = ROUTES[name].who
        usual = "operator" if ROUTES[name].thing == "run" else "reviewer2"
        person = signed_in(world, "auditor" if theirs == ("auditor",) else usual)
        assert ask(person, name, address(name, things), method).status_code not in {403, 404}, (name, method)


@pytest.mark.parametrize("person", EVERY_MEMBER)
def test_members_reach_the_pages_of_their_roles_and_no_others(person: str, world: World) -> None:
    client = signed_in(world, person)
    for name, method in each([name for name in CLOSED if not ROUTES[name].thing]):
        status = ask(client, name, reverse(name), method).status_code
        if person in ROUTES[name].who:
            assert status not in {403, 404, 405}, (name, method)
        else:
            assert status == 403, (name, method)


def test_no_other_method_is_answered(world: World, things: Things) -> None:
    """Without a form's token nothing but a safe method gets as far as the page, so open pages are asked without."""
    for name, route in ROUTES.items():
        open_to_all = route.who == ANYBODY
        client = Client(enforce_csrf_checks=True) if open_to_all else signed_in(world, route.who[0])
        for method in set(METHODS) - set(route.methods) - {"HEAD", "OPTIONS"} - ALSO.get(name, set()):
            status = client.generic(method, address(name, things)).status_code
            assert status in ({403, 405} if open_to_all else {405}), (name, method)


def test_a_form_without_its_token_changes_nothing(world: World, things: Things) -> None:
    for name in [name for name, route in ROUTES.items() if "POST" in route.methods]:
        client = Client(enforce_csrf_checks=True)
        if ROUTES[name].who != ANYBODY:
            client.force_login(world.people[ROUTES[name].who[0]], backend=BACKEND)
        assert ask(client, name, address(name, things), "POST").status_code == 403, name


def test_no_page_of_a_member_is_kept_or_may_run_code_of_others(world: World, things: Things) -> None:
    for name in [name for name in CLOSED if "GET" in ROUTES[name].methods]:
        person = "operator" if ROUTES[name].thing == "run" else ROUTES[name].who[0]
        answer = signed_in(world, person).get(address(name, things))
        assert answer.headers["Cache-Control"] == "no-store", name
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], name
