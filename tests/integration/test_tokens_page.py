"""Tokens on their page: made by an administrator, shown once, kept as a hash, ended at once. T77."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.exceptions import MayNotAdminister
from accounts.models import Agent, ApiToken, SignIn, User
from accounts.tokens import TokenNotMade, find, issue, make, revoke
from approvals.models import Action
from tests.support.api import TESTS, Caller, account, outside_agent, token_of
from tests.support.dialling import second_administrator
from tests.support.signed_in import fresh, stale
from tests.support.sql import REFUSED, refusal, speaking_as
from tests.support.world import MESSAGE, World
from traces.ids import uuid7
from traces.models import Event

PLACE = "/settings/tokens/"
TEXT = re.compile(r"cs_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}")


@pytest.fixture
def bot(world: World) -> Agent:
    """An agent from outside that the operator answers for."""
    return outside_agent(world.organization, world.operator, "send_message")


def sent(client: Client, **form: str) -> Any:
    """The form, as the web account."""
    with account("web"):
        return client.post(PLACE, {"name": "Claims bot", "scope": "operate", "agent": "", "days": "30", **form})


def shown_text(answer: Any) -> str:
    found = TEXT.findall(answer.content.decode())
    assert len(found) == 1, answer.content.decode()[:500]
    return str(found[0])


def test_t77_a_token_is_shown_once_and_kept_as_a_hash(world: World, bot: Agent) -> None:
    admin = fresh(world)
    answer = sent(admin, scope="agent", agent=str(bot.pk))
    text = shown_text(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    row = ApiToken.objects.get()
    assert bytes(row.sha256) == hashlib.sha256(text.encode()).digest()
    assert (row.user, row.agent, row.made_by, row.name) == (world.operator, bot, world.administrator, "Claims bot")
    secret = text.rsplit("_", 1)[1]
    assert not any(secret in str(value) for value in ApiToken.objects.values().get().values())
    with account("web"):
        again = admin.get(PLACE).content.decode()
    assert secret not in again
    assert row.prefix in again
    assert Caller(text).get("tools").status_code == 200
    told = Event.objects.get(verb="token_created")
    assert (told.actor_name, told.subject) == ("administrator", row.pk)
    assert secret not in str(list(Event.objects.values()))


def test_an_administrators_own_token_speaks_in_their_own_name(world: World) -> None:
    shown_text(sent(fresh(world)))
    row = ApiToken.objects.get()
    assert (row.user, row.agent, row.scope) == (world.administrator, None, "operate")


def test_t77_an_agents_token_names_its_owner_and_nobody_else(world: World, bot: Agent) -> None:
    asked: dict[str, Any] = {"organization": world.organization, "scope": "agent", "agent": bot, "days": 1}
    asked["by"] = TESTS
    with pytest.raises(TokenNotMade, match="names operator"):
        issue(user=world.reviewer, **asked)
    token, text = issue(user=world.operator, **asked)
    assert Caller(text).get("tools").status_code == 200
    Agent.objects.filter(pk=bot.pk).update(owner=world.reviewer)
    assert Caller(text).get("tools").status_code == 401
    found = find(text)
    assert found is not None
    assert found.dead == "The token's person no longer answers for its agent."
    with account("web"):
        assert "Answers for it no more" in fresh(world).get(PLACE).content.decode()
    assert token.agent_id == bot.pk


def test_t40_whoever_has_seen_a_token_decides_on_nothing_that_is_asked_with_it(world: World, bot: Agent) -> None:
    admin = fresh(world)
    text = shown_text(sent(admin, scope="agent", agent=str(bot.pk)))
    answer = Caller(text).post("actions", {"tool": "send_message", "arguments": MESSAGE})
    assert answer.status_code == 202
    action = Action.objects.get(pk=answer.json()["id"])
    assert set(action.principals) == {world.operator.pk, world.administrator.pk}
    shell = Caller(token_of(world, "operator", "agent", bot))
    other = shell.post("actions", {"tool": "send_message", "arguments": MESSAGE}).json()["id"]
    assert Action.objects.get(pk=other).principals == [world.operator.pk]


def test_t77_nobody_makes_a_token_in_the_name_of_another(world: World, bot: Agent) -> None:
    """Neither on the page, which has no field for it, nor with plain SQL."""
    assert sent(fresh(world), user=str(world.operator.pk)).status_code == 400
    put = (
        "INSERT INTO accounts_apitoken (id, organization_id, user_id, agent_id, scope, name, made_by_id, prefix,"
        " sha256, expires_at) VALUES (%s, %s, %s, %s, %s, 'n', %s, 'aaaaaaaa', %s, now() + interval '1 day')"
    )
    here, admin, operator = world.organization.pk, world.administrator.pk, world.operator.pk
    with speaking_as("web", here) as web:
        for row, why in {
            (operator, None, "operate", admin): "in the name of another",
            (world.reviewer.pk, bot.pk, "agent", admin): "names the agent's owner",
            (operator, bot.pk, "agent", operator): "administers nothing here",
            (operator, bot.pk, "agent", world.outsider.pk): "administers nothing here",
            (operator, bot.pk, "agent", admin): "no event tells of",
        }.items():
            state, said = refusal(web, put, [uuid7(), here, *row, uuid7().bytes * 2])
            assert (state, why in said) == (REFUSED, True), (why, said)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": " "}, "Say what it is for"),
        ({"days": "0"}, "A token lives from 1 to 366 days"),
        ({"days": "367"}, "A token lives from 1 to 366 days"),
        ({"days": "many"}, "A token lives from 1 to 366 days"),
        ({"scope": "decide"}, "agent, operate or audit"),
        ({"scope": "agent"}, "Say which agent it is for"),
        ({"scope": "audit"}, "is no auditor"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_written_stays(world: World, form: dict[str, str], said: str) -> None:
    answer = sent(fresh(world), **form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    if "name" not in form:
        assert 'value="Claims bot"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_asks_for_a_fresh_password_and_an_administrator(world: World, bot: Agent) -> None:
    asked = sent(stale(world))
    assert asked.status_code == 401
    assert "making a token" in asked.content.decode()
    assert "Sign in again" in stale(world).get(PLACE).content.decode()
    assert sent(fresh(world, "auditor")).status_code == 403
    assert fresh(world, "operator").get(PLACE).status_code == 403
    assert "Make a token" not in fresh(world, "auditor").get(PLACE).content.decode()
    foreign = outside_agent(world.elsewhere, world.outsider, name="foreign")
    assert sent(fresh(world), scope="agent", agent=str(foreign.pk)).status_code == 404
    planner = Agent.objects.get(organization=world.organization, builtin=True)
    assert sent(fresh(world), scope="agent", agent=str(planner.pk)).status_code == 422
    assert not ApiToken.objects.exists()
    with pytest.raises(MayNotAdminister):
        make(by=world.operator, organization=world.organization, scope="operate", agent=None, days=1, name="x")


def test_one_is_ended_at_once_and_never_comes_back(world: World, bot: Agent) -> None:
    admin, text = fresh(world), token_of(world, "operator", "agent", bot)
    row = ApiToken.objects.get()
    with account("web"):
        assert admin.post(f"{PLACE}{row.pk}/revoke/").status_code == 302
        assert admin.post(f"{PLACE}{row.pk}/revoke/").status_code == 302, "twice is once"
    assert Caller(text).get("tools").status_code == 401
    assert Event.objects.filter(verb="token_revoked").count() == 1
    with account("web"):
        assert "No token is in use" in admin.get(PLACE).content.decode()
        assert "Ended" in admin.get(PLACE, {"all": "1"}).content.decode()
    with speaking_as("web", world.organization.pk) as web:
        again = refusal(web, "UPDATE accounts_apitoken SET revoked_at = NULL")
        assert again[0] == REFUSED
    token_of(world, "operator", "operate")
    with speaking_as("web", world.organization.pk) as web:
        silent = refusal(web, "UPDATE accounts_apitoken SET revoked_at = now() WHERE revoked_at IS NULL")
        assert "no event tells of" in silent[1]


def test_another_organizations_token_is_nowhere(world: World) -> None:
    token, _ = issue(
        user=world.outsider, organization=world.elsewhere, scope="operate", agent=None, days=1, by=TESTS, name="theirs"
    )
    assert fresh(world).post(f"{PLACE}{token.pk}/revoke/").status_code == 404
    assert "theirs" not in fresh(world).get(PLACE).content.decode()
    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_page_says_when_it_was_used_last_to_the_minute_and_never_waits_for_it(world: World, bot: Agent) -> None:
    text = token_of(world, "operator", "agent", bot)
    with account("web"):
        assert "Never" in fresh(world).get(PLACE).content.decode()
    caller = Caller(text)

    def writes() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert caller.get("tools").status_code == 200
        return sum("UPDATE accounts_apitoken" in one["sql"] for one in seen)

    assert (writes(), writes()) == (1, 0)
    ApiToken.objects.update(last_used_at="2020-01-01T00:00Z")
    with speaking_as("owner") as holder:
        holder.execute("SELECT 1 FROM accounts_apitoken FOR UPDATE")
        assert writes() == 1, "asked, and passed by: somebody holds the row"
        assert ApiToken.objects.get().last_used_at.year == 2020  # type: ignore[union-attr]
        holder.rollback()
    writes()
    assert ApiToken.objects.get().last_used_at.year > 2020  # type: ignore[union-attr]


def test_many_tokens_come_page_by_page_and_cost_as_many_queries_as_one(world: World, bot: Agent) -> None:
    admin = fresh(world)
    token_of(world, "operator", "agent", bot)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin.get(PLACE).status_code == 200
        return len(seen)

    queries()
    few = queries()
    for _ in range(30):
        token_of(world, "operator", "operate")
    assert queries() == few <= 20
    first = admin.get(PLACE).content.decode()
    assert "25 of 31 tokens" in first
    after = re.search(r"\?after=([0-9a-f-]{36})", first)
    assert after is not None
    assert "6 of 31 tokens" in admin.get(PLACE, {"after": after[1]}).content.decode()
    assert admin.get(PLACE, {"after": "x"}).status_code == 400


def test_t25_of_two_who_end_it_one_does(world: World) -> None:
    token_of(world, "operator", "operate")
    row = ApiToken.objects.get()
    assert [revoke(row, by=TESTS), revoke(row, by=TESTS)] == [True, False]


def test_a_second_administrator_sees_who_made_it(world: World) -> None:
    sent(fresh(world))
    other: User = second_administrator(world)
    world.people["second"] = other
    shown = " ".join(fresh(world, "second").get(PLACE).content.decode().split())
    assert "by administrator" in shown
    assert SignIn.objects.filter(user=other).exists()
