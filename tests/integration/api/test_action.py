"""GET /actions and GET /actions/{id}: follow a call to its outcome, or its denial."""

import asyncio
import threading
import time
from typing import Any

import pytest
from django.db import connection, connections
from django.test import AsyncClient

from accounts.models import ApiToken
from accounts.rows import within
from accounts.tokens import revoke
from approvals.models import Action
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from tests.support.api import ROOT, TESTS, Api, account, outside_agent, problem
from tests.support.world import MESSAGE, approved
from tools.models import OutboxMessage


def act(api: Api, action: dict[str, Any]) -> None:
    """Approve an action on the reviewer's page's verb, sign, execute."""
    approved(api.world, Action.objects.get(id=action["id"]))
    with account("worker"):
        sign_permits()
        execute_permitted()


def test_an_approved_call_comes_back_with_its_result(api: Api) -> None:
    staged = api.staged()
    act(api, staged)
    shown = api.bot.get(f"actions/{staged['id']}").json()
    assert (shown["status"], shown["error"]) == ("done", None)
    assert shown["result"]
    assert [(d["decision"], d["by"]) for d in shown["decisions"]] == [("approve", None)]
    assert OutboxMessage.objects.count() == 1


def test_a_rejected_call_comes_back_with_the_reason(api: Api) -> None:
    staged = api.staged()
    reject(
        actor=api.world.reviewer,
        organization=api.world.organization.id,
        action_id=staged["id"],
        digest=staged["digest"],
        reason="The order has arrived.",
    )
    shown = api.bot.get(f"actions/{staged['id']}").json()
    assert (shown["status"], shown["error"]) == ("rejected", {"code": "rejected", "text": "The order has arrived."})


def test_a_reviewers_own_token_reads_who_decided(api: Api) -> None:
    staged = api.staged()
    act(api, staged)
    shown = api.reviewer.get(f"actions/{staged['id']}").json()
    assert shown["decisions"][0]["by"] == "reviewer"


def test_reasoning_is_for_auditors_and_never_for_agents_or_principals(api: Api) -> None:
    staged = api.staged(reasoning="Because of the delay.")
    read = {
        name: caller.get(f"actions/{staged['id']}").json()["reasoning"]
        for name, caller in {
            "bot": api.bot,
            "operator": api.operator,
            "reviewer": api.reviewer,
            "auditor": api.auditor,
        }.items()
    }
    assert read == {
        "bot": None,
        "operator": None,
        "reviewer": None,
        "auditor": "Because of the delay.",
    }


def test_without_an_outcome_the_answer_comes_when_the_time_is_over(api: Api) -> None:
    staged = api.staged()
    began = time.monotonic()
    assert api.bot.get(f"actions/{staged['id']}", wait=1).json()["status"] == "in_review"
    assert 0.9 < time.monotonic() - began < 5


def test_whoever_waits_gets_the_outcome_when_it_comes(api: Api) -> None:
    staged = api.staged()
    began = threading.Event()

    def decide() -> None:
        began.wait()
        try:
            with within(api.world.organization.id):
                reject(
                    actor=api.world.reviewer,
                    organization=api.world.organization.id,
                    action_id=staged["id"],
                    digest=staged["digest"],
                    reason="No.",
                )
        finally:
            connections.close_all()

    decider = threading.Thread(target=decide)
    decider.start()
    start = time.monotonic()
    began.set()
    shown = api.bot.get(f"actions/{staged['id']}", wait=30).json()
    decider.join()
    assert shown["status"] == "rejected"
    assert time.monotonic() - start < 10


def test_t65_a_token_that_was_revoked_while_it_waited_reads_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    staged = api.staged()

    def revoked_meanwhile(*_: object) -> str:
        for token in ApiToken.objects.filter(agent=api.agent):
            revoke(token, by=TESTS)
        return "rejected"

    monkeypatch.setattr("approvals.api._status", revoked_meanwhile)
    problem(api.bot.get(f"actions/{staged['id']}", wait=1), 401, "not_signed_in")


def test_nobody_who_waits_holds_a_connection(api: Api) -> None:
    """Sixteen wait at once; between looks the database sees none of them."""
    ids = [api.staged()["id"] for _ in range(4)]
    name = connection.settings_dict["NAME"]

    async def wait() -> list[int]:
        client, headers = AsyncClient(), {"Authorization": f"Bearer {api.bot.token}"}
        asked = [client.get(f"{ROOT}/actions/{pk}?wait=3", headers=headers) for pk in ids * 4]
        waiting = [asyncio.ensure_future(one) for one in asked]
        await asyncio.sleep(1)
        seen = []
        for _ in range(20):
            seen.append(await asyncio.to_thread(backends))
            await asyncio.sleep(0.03)
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
        return seen

    def backends() -> int:
        import os

        import psycopg

        with psycopg.connect(os.environ["COUNTERSIGN_TEST_ADMIN"], dbname=name, autocommit=True) as admin:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = 'countersign_web'", [name]
            ).fetchone()
            assert row is not None
            return int(row[0])

    with account("web"):
        connection.close()
        seen = asyncio.run(wait())
    assert min(seen) == 0, seen


def test_a_wait_is_bounded(api: Api) -> None:
    staged = api.staged()
    for wait in ("61", "-1", "long", "1e9"):
        problem(api.bot.get(f"actions/{staged['id']}", wait=wait), 422, "schema_invalid")


def test_an_agent_sees_only_what_it_proposed_for_this_person(api: Api) -> None:
    planners = api.world.staged()
    mine = api.staged()
    assert [a["id"] for a in api.bot.get("actions").json()["items"]] == [mine["id"]]
    problem(api.bot.get(f"actions/{planners.id}"), 404, "not_found")
    api.agent.owner = api.world.developer
    api.agent.save()
    other = api.caller("developer", "agent", api.agent)
    assert other.get("actions").json() == {"items": [], "next": None}
    problem(other.get(f"actions/{mine['id']}"), 404, "not_found")


def test_a_persons_token_sees_what_their_pages_show(api: Api) -> None:
    mine, planners = api.staged()["id"], str(api.world.staged().id)
    seen = {
        name: {a["id"] for a in caller.get("actions").json()["items"]}
        for name, caller in {"operator": api.operator, "reviewer": api.reviewer, "auditor": api.auditor}.items()
    }
    assert all(ids == {mine, planners} for ids in seen.values())
    theirs = outside_agent(api.world.organization, api.world.developer, "send_message", name="their-bot")
    asked = api.caller("developer", "agent", theirs).post("actions", {"tool": "send_message", "arguments": MESSAGE})
    assert [a["id"] for a in api.caller("developer", "operate").get("actions").json()["items"]] == [asked.json()["id"]]
    assert api.outsider.get("actions").json()["items"] == []


def test_the_list_is_paged_without_gaps_or_repeats(api: Api) -> None:
    made = [api.staged()["id"] for _ in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = api.bot.get("actions", **query).json()
        seen += [a["id"] for a in page["items"]]
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert seen == made[::-1]


def test_t62_only_named_filters_narrow_the_list(api: Api) -> None:
    staged = api.staged()
    assert api.bot.get("actions", status="in_review", run=staged["run"]).json()["items"]
    assert api.bot.get("actions", status="done").json()["items"] == []
    for name in ("initiator__password__startswith", "organization", "order_by", "tool__organization__slug", "pk"):
        problem(api.bot.get("actions", **{name: "p"}), 400, "schema_invalid")
    for name, value in (("status", "nonsense"), ("run", "1"), ("before", "';--"), ("limit", "101")):
        problem(api.bot.get("actions", **{name: value}), 422, "schema_invalid")
    problem(api.bot._ask("GET", "actions", QUERY_STRING="limit=1&limit=2"), 400, "schema_invalid")


def test_a_list_costs_the_same_queries_whatever_its_length(api: Api, django_assert_max_num_queries: Any) -> None:
    from accounts.api import Identity
    from accounts.models import Membership
    from accounts.tokens import find
    from approvals.shapes import shapes

    found = find(api.bot.token)
    assert found is not None
    viewer = Identity(found.token, Membership.objects.of(api.world.operator)[0])
    for _ in range(4):
        api.staged()
    actions = list(Action.objects.all())
    with django_assert_max_num_queries(3):
        assert len(shapes(actions, viewer)) == 4


def test_secret_fields_are_masked(api: Api) -> None:
    from approvals.reading.shown import MASK
    from approvals.shapes import _masked

    value = {"to": "x", "card": {"number": "4111", "name": "A"}, "pins": [{"pin": "1"}, {"pin": "2"}]}
    assert _masked(value, ("card.number", "pins.pin")) == {
        "to": "x",
        "card": {"number": MASK, "name": "A"},
        "pins": [{"pin": MASK}, {"pin": MASK}],
    }
    assert _masked(value, ("card", "pins"))["card"] == MASK
