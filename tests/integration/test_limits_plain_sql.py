"""What an account of the product could try on the counts past the product's code, and what the database makes of it."""

from typing import Any

import psycopg
import pytest

from approvals.facts import gather
from approvals.facts.usage import wants
from approvals.models import Action, Reservation, Tally
from approvals.services.propose import propose
from approvals.tasks import execute_permitted, sign_permits
from tests.support.paying import decree, euros, payment, set_free
from tests.support.sql import NO_RIGHT, REFUSED, copied, refusal, without_guards
from tests.support.world import World
from tools.models import Note
from traces.ids import uuid7

ACCOUNTS = pytest.mark.parametrize("account", ["as_web", "as_worker"])
RESERVE = "SELECT * FROM approvals_reserve(%s, %s, %s::text[], %s::text[], %s::integer[], %s::numeric[], %s::text[])"


@pytest.fixture
def free(world: World) -> World:
    set_free(world, "pay_odd", "put_odd")
    decree(world, euros(100))
    return world


def paid(world: World, amount: str = "90") -> Action:
    """A payment that the limit lets pass."""
    action = propose(world.proposal("pay_odd", payment(amount)))
    assert action.status == "permitted"
    return action


def as_asked(world: World, action: Any, *, asks: str = "90", **changes: Any) -> list[Any]:
    """What ``approvals_reserve`` is called with for a payment, with these changes."""
    (want,) = wants(gather(world.proposal("pay_odd", payment("90"))))
    said = {"organization": world.organization.id, "action": action, "key": want.key, "limit": want.limit,
            "seconds": want.seconds, "asks": asks, "unit": want.unit, **changes}  # fmt: skip
    single = [said.pop("organization"), said.pop("action")]
    return [*single, *([value] for value in said.values())]


@ACCOUNTS
@pytest.mark.parametrize("table", ["approvals_tally", "approvals_reservation"])
def test_no_process_writes_a_count(account: str, table: str, free: World, request: pytest.FixtureRequest) -> None:
    speaking = request.getfixturevalue(account)
    paid(free)
    row = Tally.objects.get() if table == "approvals_tally" else Reservation.objects.get()
    column = "used" if table == "approvals_tally" else "used_before"
    for sql, params in (
        copied(table, row.id),
        (f"UPDATE {table} SET {column} = 0", None),
        (f"DELETE FROM {table}", None),
        (f"TRUNCATE {table}", None),
    ):
        assert refusal(speaking, sql, params)[0] == NO_RIGHT
    assert refusal(speaking, f"SELECT {column} FROM {table}") == ("", "")


@ACCOUNTS
def test_no_process_gives_back_by_hand(account: str, free: World, request: pytest.FixtureRequest) -> None:
    speaking = request.getfixturevalue(account)
    paid(free)
    give = "SELECT approvals_give_back(r) FROM approvals_reservation r"
    assert refusal(speaking, give)[0] == NO_RIGHT


def test_what_a_page_runs_as_does_not_make_anything_forgotten(free: World, as_web: psycopg.Connection) -> None:
    assert refusal(as_web, "SELECT approvals_forget()")[0] == NO_RIGHT


@ACCOUNTS
def test_a_live_action_s_count_cannot_be_released(account: str, free: World, request: pytest.FixtureRequest) -> None:
    speaking = request.getfixturevalue(account)
    action = paid(free)
    assert speaking.execute("SELECT approvals_release(%s)", [[action.id]]).fetchone() == (0,)
    speaking.commit()
    assert Tally.objects.get().amount == 90


@ACCOUNTS
def test_a_count_is_not_lowered_while_the_call_may_run(
    account: str, free: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    action = paid(free)
    state, message = refusal(speaking, RESERVE, as_asked(free, action.id, asks="0"))
    assert (state, "stays counted" in message) == (REFUSED, True)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET status = 'executing' WHERE id = %s", [action.id])
    assert speaking.execute(RESERVE, as_asked(free, action.id, asks="0")).fetchall() == []
    speaking.commit()
    assert Tally.objects.get().amount == 90


@ACCOUNTS
def test_nothing_is_counted_for_an_action_that_is_not_there(
    account: str, free: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    state, message = refusal(speaking, RESERVE, as_asked(free, uuid7()))
    assert (state, "no action" in message) == (REFUSED, True)
    action = paid(free)
    state, message = refusal(
        speaking, RESERVE, as_asked(free, action.id, key="another", organization=free.elsewhere.id)
    )
    assert (state, "no action" in message) == (REFUSED, True)


@ACCOUNTS
@pytest.mark.parametrize(
    "changes",
    [{"asks": "-90"}, {"asks": "NaN"}, {"asks": "Infinity"}, {"asks": None}, {"seconds": 0}, {"seconds": 2_678_401}],
    ids=str,
)
def test_a_count_that_would_give_back_or_never_end_is_refused(
    account: str, changes: dict[str, Any], free: World, request: pytest.FixtureRequest
) -> None:
    speaking = request.getfixturevalue(account)
    state, message = refusal(speaking, RESERVE, as_asked(free, uuid7(), **changes))
    assert (state, "cannot be counted" in message) == (REFUSED, True)


def test_counting_is_refused_where_a_transaction_sees_an_old_picture(
    free: World, as_worker: psycopg.Connection
) -> None:
    as_worker.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    state, message = refusal(as_worker, RESERVE, as_asked(free, uuid7()))
    assert (state, "READ COMMITTED" in message) == (REFUSED, True)


@pytest.mark.parametrize(
    "counted",
    [
        None,
        {"asks": "0"},
        {"seconds": 1},
        {"unit": "USD"},
        {"key": "a key of my own"},
        {"limit": "another-limit"},
    ],
    ids=str,
)
def test_t35_the_gatekeeper_signs_nothing_that_was_not_counted_as_it_is(
    counted: dict[str, Any] | None, free: World
) -> None:
    """Whoever stored the action says that the limit is hardly used; what is written in the counts is another thing."""
    action = paid(free)
    with without_guards() as admin:
        admin.execute("DELETE FROM approvals_reservation")
        admin.execute("DELETE FROM approvals_tally")
        if counted is not None:  # as it likes, by the very function, when nothing was used yet
            admin.execute(RESERVE, as_asked(free, action.id, **counted))
            admin.execute("DELETE FROM approvals_tally")
    paid(free)
    assert (sign_permits(), execute_permitted()) == (1, 1)  # the honest one
    action.refresh_from_db()
    assert (action.status, action.revision, action.verdict) == ("in_review", 2, "review")
    assert Note.objects.count() == 1
