"""Who may ask: bearer tokens, their life, their scope. T20, T61, T77."""

import logging
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import ApiToken, Membership
from accounts.rows import within
from accounts.tokens import TokenNotMade, find, issue, revoke
from approvals.models import Action, Decision
from tests.support.api import ROOT, TESTS, Api, Caller, account, problem, token_of
from traces.models import Event

READ = "tools"


def run(*arguments: str) -> str:
    """What the command prints, run by the web account."""
    out = StringIO()
    with account("web"):
        call_command("token", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_a_token_once_as_its_last_word(api: Api) -> None:
    said = run("create", "--user", "operator", "--scope", "agent", "--agent", "claims-bot", "--days", "2")
    text = said.split()[-1]
    assert re.fullmatch(r"cs_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}", text)
    assert said.count(text) == 1
    assert Caller(text).get(READ).status_code == 200


def test_only_a_hash_is_kept(api: Api) -> None:
    text = token_of(api.world, "operator", "operate")
    row = ApiToken.objects.latest("id")
    assert len(bytes(row.sha256)) == 32
    secret = text.rsplit("_", 1)[1]
    assert not any(secret in str(value) for value in ApiToken.objects.filter(pk=row.pk).values()[0].values())
    assert Event.objects.filter(verb="token_created", subject=row.pk).exists()


def test_the_command_says_what_is_wrong(api: Api) -> None:
    for arguments in (
        ["create", "--user", "nobody", "--scope", "operate"],
        ["create", "--user", "operator", "--scope", "agent"],
        ["create", "--user", "operator", "--scope", "agent", "--agent", "unknown"],
        ["create", "--user", "operator", "--scope", "agent", "--agent", "planner"],
        ["create", "--user", "operator", "--scope", "operate", "--agent", "claims-bot"],
        ["create", "--user", "operator", "--scope", "audit"],
        ["create", "--user", "operator", "--scope", "operate", "--days", "0"],
        ["create", "--user", "operator", "--scope", "operate", "--organization", "elsewhere"],
        ["revoke", "unknown"],
    ):
        with pytest.raises(CommandError):
            run(*arguments)


def test_an_agent_of_another_organization_gets_no_token(api: Api) -> None:
    from tests.support.api import outside_agent

    foreign = outside_agent(api.world.elsewhere, api.world.outsider, name="foreign")
    with pytest.raises(TokenNotMade):
        issue(
            user=api.world.operator,
            organization=api.world.organization,
            scope="agent",
            agent=foreign,
            days=1,
            by=TESTS,
        )


def expire(api: Api) -> None:
    ApiToken.objects.filter(sha256=find(api.bot.token).token.sha256).update(expires_at="2020-01-01T00:00Z")  # type: ignore[union-attr]


def end(api: Api) -> None:
    found = find(api.bot.token)
    assert found is not None
    with account("web"), within(found.token.organization_id):
        assert revoke(found.token, by=TESTS)
        assert not revoke(found.token, by=TESTS)


def leave(api: Api) -> None:
    Membership.objects.filter(user=api.world.operator).delete()


def retire(api: Api) -> None:
    api.world.operator.is_active = False
    api.world.operator.save()


def switch_off(api: Api) -> None:
    api.agent.enabled = False
    api.agent.save()


@pytest.mark.parametrize("happens", [expire, end, leave, retire, switch_off])
def test_a_token_ends_at_once_and_its_use_is_remembered(api: Api, happens: Callable[[Api], None]) -> None:
    assert api.bot.get(READ).status_code == 200
    happens(api)
    answer = api.bot.get(READ)
    ended = problem(answer, 401, "not_signed_in")
    assert ended == problem(Caller("cs_aaaaaaaa_" + "b" * 43).get(READ), 401, "not_signed_in")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    told = Event.objects.get(verb="refused")
    assert (told.actor_kind, told.actor_name) == ("agent", "claims-bot")
    assert told.reason


def test_a_flood_of_refusals_does_not_fill_the_record(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("traces.services.REFUSALS_A_MINUTE", 3)
    for _ in range(6):
        problem(api.auditor.post("runs", {"goal": "x"}), 403, "not_permitted")
    assert Event.objects.filter(verb="refused").count() == 3


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic b3BlcmF0b3I6eA==",
        "Bearer nonsense",
        "Bearer " + "x" * 100_000,
        "Bearer cs__",
        "Bearer \u00e4",
        "Token {token}",
        "Bearer {token}x",
        "Bearer x{token}",
        "Bearer {token} {token}",
    ],
)
def test_what_is_no_token_is_a_401(api: Api, header: str) -> None:
    caller = Caller(headers={"Authorization": header.replace("{token}", api.bot.token)} if header else {})
    assert problem(caller.get(READ), 401, "not_signed_in")["detail"] == "Sign in, or send a valid token."


@pytest.mark.parametrize("text", ["nonsense", "cs_aaaaaaaa_" + "b" * 43, "", "x" * 10_000])
def test_an_unknown_token_costs_one_lookup_whatever_it_is(
    world: Any, text: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert find(text) is None


def test_t77_a_token_in_the_query_is_refused_and_not_logged(
    api: Api, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("token", "access_token", "api_key", "authorization"):
        answer = api.stranger.get(READ, **{name: api.bot.token})
        problem(answer, 401, "not_signed_in")
        assert api.bot.token not in answer.content.decode()
    # With a valid header too a token has no business there, and the answer does not repeat it.
    answer = api.bot.get(READ, token=api.bot.token)
    problem(answer, 400, "schema_invalid")
    assert api.bot.token not in answer.content.decode()
    assert caplog.records
    assert not [record for record in caplog.records if api.bot.token in record.getMessage()]
    assert api.bot.token not in capfd.readouterr().err


def test_t77_a_token_reaches_what_its_scope_names_and_nothing_else(api: Api) -> None:
    routes = {
        ("GET", "runs"): {"operate", "audit"},
        ("POST", "runs"): {"operate"},
        ("GET", "actions"): {"agent", "operate", "audit"},
        ("POST", "actions"): {"agent"},
        ("GET", "tools"): {"agent", "operate", "audit"},
        ("GET", "kill-switches"): {"agent", "operate", "audit"},
        ("POST", "kill-switches"): {"agent", "operate"},
        ("GET", "audit/events"): {"audit"},
    }
    callers = {"agent": api.bot, "operate": api.operator, "audit": api.auditor}
    for (method, path), scopes in routes.items():
        for scope, caller in callers.items():
            answer = caller.get(path) if method == "GET" else caller.post(path, {})
            if scope in scopes:
                assert answer.status_code in {200, 422}, (method, path, scope)
            else:
                problem(answer, 403, "not_permitted")


def test_an_auditors_token_ends_with_the_role(api: Api) -> None:
    Membership.objects.filter(user=api.world.auditor).update(roles=["operator"])
    problem(api.auditor.get("audit/events"), 403, "not_permitted")


def test_a_session_opens_nothing_here(api: Api) -> None:
    client = Client()
    client.force_login(api.world.operator, backend="allauth.account.auth_backends.AuthenticationBackend")
    problem(client.get(f"{ROOT}/runs"), 401, "not_signed_in")
    problem(client.post(f"{ROOT}/runs", {"goal": "x"}, content_type="application/json"), 401, "not_signed_in")


def test_t20_a_token_never_reaches_a_decision(api: Api) -> None:
    """Not in the header, not as a cookie, not in the query or the form, not even a reviewer's own."""
    staged = api.staged()
    path = f"/actions/{staged['id']}/decide/"
    form = {"decision": "approve", "digest": staged["digest"], "reason": ""}
    for caller in (api.bot, api.operator, api.reviewer, api.auditor):
        for csrf in (True, False):
            client = Client(enforce_csrf_checks=csrf)
            client.cookies["sessionid"] = caller.token
            headers = {"Authorization": f"Bearer {caller.token}"}
            for answer in (
                client.post(path, form, headers=headers),
                client.post(f"{path}?token={caller.token}", {**form, "token": caller.token}),
                client.post(path, form, content_type="application/json", headers=headers),
            ):
                assert answer.status_code in {302, 403}, answer.status_code
                assert "Location" not in answer.headers or answer["Location"].startswith("/accounts/login/")
        for inside in ("decide", "decisions", "approve", "decide/"):
            assert caller.post(f"actions/{staged['id']}/{inside}", form).status_code == 404
    assert not Decision.objects.exists()
    assert Action.objects.get(id=staged["id"]).status == "in_review"


def test_t20_no_address_of_the_api_decides() -> None:
    from lam_app.api import api as served

    words = re.compile(r"decide|decision|approve|reject|permit|release|assign|verdict")
    named = [path for path in served.document["paths"] if words.search(path)]
    assert named == []
