"""Whose rows a session shows: the request's, on whichever connection it uses, and nobody's once it is over."""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import psycopg_pool
import pytest
from django.db import connection, transaction
from django.test import AsyncClient

from accounts import rows
from accounts.rows import enter, forget, within
from approvals.models import Action
from tests.support.api import ROOT, Api, account, make_api, token_of
from tests.support.sql import copied, without_guards
from tests.support.voting import signed_in
from tests.support.world import World


@pytest.fixture
def both(world: World) -> World:
    """A waiting action in each organization, and Django as the web account."""
    action = world.staged()
    with without_guards() as admin:
        elsewhere = {"organization_id": world.elsewhere.id, "run": uuid.uuid4()}
        admin.execute(*copied("approvals_action", action.id, **elsewhere))  # type: ignore[arg-type]
    assert action.organization_id == world.organization.id
    return world


@pytest.fixture
def web(both: World) -> Iterator[World]:
    """The same, with Django speaking as the web account."""
    with account("web"):
        yield both


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What sessions are told, in order."""
    found: list[str] = []
    real = rows._tell

    def telling(session: Any, organization: str) -> None:
        found.append(organization)
        real(session, organization)

    monkeypatch.setattr(rows, "_tell", telling)
    return found


def seen() -> set[uuid.UUID]:
    """The organizations whose actions are visible now."""
    return set(Action.objects.values_list("organization_id", flat=True))


def test_each_is_in_its_own_rows_and_outside_nobody_is(web: World) -> None:
    assert seen() == set()
    with within(web.organization.id):
        assert seen() == {web.organization.id}
        with within(web.elsewhere.id):
            assert seen() == {web.elsewhere.id}
        assert seen() == {web.organization.id}
        enter(None)
        assert seen() == set()
    assert seen() == set()


def test_a_session_is_told_once_as_long_as_nothing_changes(web: World, told: list[str]) -> None:
    with within(web.organization.id):
        seen()
        with transaction.atomic():
            seen()
            seen()
        seen()
    assert told == [str(web.organization.id)]


def test_a_rollback_does_not_bring_the_last_organization_back(web: World) -> None:
    with within(web.organization.id):
        seen()
    with within(web.elsewhere.id):
        with pytest.raises(RuntimeError), transaction.atomic():
            assert seen() == {web.elsewhere.id}
            raise RuntimeError
        assert seen() == {web.elsewhere.id}
    with pytest.raises(RuntimeError), transaction.atomic(), within(web.organization.id):
        seen()
        raise RuntimeError
    assert seen() == set()


def test_an_organization_that_changes_within_a_transaction_is_told_before_every_statement(web: World) -> None:
    with within(web.organization.id), transaction.atomic():
        assert seen() == {web.organization.id}
        enter(web.elsewhere.id)
        with pytest.raises(RuntimeError), transaction.atomic():
            assert seen() == {web.elsewhere.id}
            raise RuntimeError
        assert seen() == {web.elsewhere.id}  # the savepoint took the setting back with it
        enter(web.organization.id)
        assert seen() == {web.organization.id}


def test_a_session_that_could_not_be_told_is_told_again(web: World, told: list[str]) -> None:
    with within(web.organization.id):
        with pytest.raises(ValueError, match="badly formed"):
            enter(uuid.UUID("no organization"))
        with transaction.atomic():
            seen()
            with pytest.raises(Exception, match="does not exist"), connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM no_such_table")
            enter(web.elsewhere.id)
            with pytest.raises(Exception, match="aborted"):
                seen()
            transaction.set_rollback(True)
        assert seen() == {web.elsewhere.id}
    assert told.count(str(web.elsewhere.id)) == 2


def test_another_thread_is_in_no_organization_unless_it_says_so(web: World) -> None:
    found: list[set[uuid.UUID]] = []

    def look() -> None:
        try:
            found.append(seen())
        finally:
            connection.close()

    with within(web.organization.id):
        seen()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [set()]


def test_a_request_leaves_nobodys_rows_behind(web: World, told: list[str]) -> None:
    """One connection serves both, one after the other, a page and the API."""
    for person, organization in (
        ("reviewer", web.organization),
        ("outsider", web.elsewhere),
        ("auditor", web.organization),
    ):
        client = signed_in(web, person)
        told.clear()
        assert client.get("/runs/").status_code == 200
        assert told.count(str(organization.id)) == 1, told
        assert seen() == set()
    assert signed_in(web, "reviewer").get("/nowhere/").status_code == 404
    assert seen() == set()


def test_a_request_that_breaks_leaves_nobodys_rows_behind(web: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Any:
        seen()
        raise RuntimeError("broken")

    monkeypatch.setattr("lam_app.views.visible_runs", breaks)
    with pytest.raises(RuntimeError, match="broken"):
        signed_in(web, "reviewer").get("/runs/")
    assert seen() == set()


def test_a_refused_token_is_told_of_and_opens_nothing(both: World) -> None:
    api = make_api(both)
    assert api.auditor.post("runs", {"goal": "x"}).status_code == 403
    with account("web"):
        assert seen() == set()


def test_who_waits_side_by_side_sees_their_own(both: World) -> None:
    """The long poll reads from threads and gives its connections back; each look is in the asker's organization."""
    api: Api = make_api(both)
    actions = {one.organization_id: one.id for one in Action.objects.all()}
    own = token_of(both, "auditor", "audit")
    foreign = token_of(both, "outsider", "operate")
    cases = [
        (own, actions[both.organization.id], 200),
        (own, actions[both.elsewhere.id], 404),
        (foreign, actions[both.organization.id], 404),
    ]

    async def ask(token: str, action: uuid.UUID) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return int((await AsyncClient().get(f"{ROOT}/actions/{action}?wait=1", headers=headers)).status_code)

    async def together() -> list[int]:
        return list(await asyncio.gather(*(ask(token, action) for token, action, _ in cases * 4)))

    assert api.agent.organization_id == both.organization.id
    with account("web"):
        assert asyncio.run(together()) == [status for _, _, status in cases * 4]
        assert seen() == set()


def test_what_goes_back_to_the_pool_belongs_to_nobody(both: World, settings: Any) -> None:
    """As the web role's pool does it, told of a session that somebody left in an organization."""
    name = connection.settings_dict["NAME"]
    url = os.environ["COUNTERSIGN_TEST_WEB"]
    kwargs = {"dbname": name, "autocommit": True}
    with psycopg_pool.ConnectionPool(url, kwargs=kwargs, min_size=1, max_size=1, reset=forget) as pool:
        with pool.connection() as session:
            first = session.info.backend_pid
            rows._tell(session, str(both.organization.id))
            assert setting(session) == str(both.organization.id)
        with pool.connection() as session:
            assert session.info.backend_pid == first
            assert setting(session) == ""


def setting(session: psycopg.Connection[Any]) -> str:
    """What the session was told."""
    row = session.execute("SELECT current_setting('lam.organization', true)").fetchone()
    assert row is not None
    return str(row[0] or "")
