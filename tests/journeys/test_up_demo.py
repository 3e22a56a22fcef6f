"""`up --demo`: a back office with its own ledger, its tools in the catalogue, and a first day that went the road."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.desk import Session
from tests.support.up import Up, until

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as another user")
DAY = "day: 17 runs, 1 taken back, 7 requests in review, 1 of unknown outcome"
TOOLS = """
    SELECT t.name, t.tier, t.maturity, v.contract->>'connector', v.contract->'binding'->>'server', v.number
    FROM tools_tool t JOIN tools_toolversion v ON v.id = t.version_id
    JOIN accounts_organization o ON o.id = t.organization_id WHERE o.slug = '{organization}' ORDER BY t.name
"""
ACTIONS = "SELECT tool_name, status FROM approvals_action ORDER BY tool_name, status"


def played(up: Up) -> bool:
    """Whether the day is over."""
    return "\nday: " in up.said


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with Up(LAM_DEMO="day") as running:
        until(lambda: played(running), 120, "the day is over")
        yield running


def test_the_day_leaves_work_of_every_kind(up: Up) -> None:
    assert DAY in up.said
    statuses = [tuple(row) for row in up.rows(ACTIONS)]
    waiting = [tool for tool, status in statuses if status == "in_review"]
    assert waiting == [
        "book_hotel",
        "cancel_event",
        "create_refund",
        "create_user",
        "delete_user",
        "pay_invoice",
        "send_message",
    ]
    assert {status for _, status in statuses} == {"done", "failed", "in_review", "rejected", "uncertain", "undone"}
    assert ("reply_to_ticket", "uncertain") in statuses
    assert ("cancel_refund", "rejected") in statuses
    assert ("book_hotel", "failed") in statuses


def test_the_office_s_ledger_holds_what_the_day_says_and_nothing_else(up: Up) -> None:
    called = up.rows(
        "SELECT e.key, a.status FROM tools_execution e JOIN approvals_action a ON a.id = e.action"
        " JOIN tools_tool t ON t.id = a.tool_id WHERE t.tier <> 'read'"
    )
    ledger = {line["key"]: line["applied"] for line in up.office.ledger()}
    honoured = {key: status for key, status in called if status != "uncertain"}
    assert {key: ledger[key] for key in honoured} == {
        key: status in ("done", "undone") for key, status in honoured.items()
    }
    assert len(ledger) == len(called)
    assert up.office.effects("reply_to_ticket") == 1  # nobody in the product knows; it was done, and only once


def test_decisions_of_the_day_are_a_reviewer_s_and_say_that_nobody_sat_there(up: Up) -> None:
    decided = up.rows(
        "SELECT u.username, d.reason, d.decider_id = ANY (d.principals) FROM approvals_decision d"
        " JOIN accounts_user u ON u.id = d.decider_id"
    )
    assert len(decided) == 10
    for who, reason, own in decided:
        assert (who, own) == ("reviewer", False)
        assert reason.endswith("(Said by the demo's seeding in the name of reviewer.)")


def test_a_half_done_errand_was_taken_back_on_the_same_road(up: Up) -> None:
    runs = up.rows("SELECT id, problem FROM lam_app_run WHERE status = 'undone'")
    assert [problem for _, problem in runs] == [""]
    steps = up.rows(
        f"SELECT step, tool_name, status, origin FROM approvals_action WHERE run = '{runs[0][0]}' ORDER BY step"
    )
    assert steps == [
        (1, "book_flight", "undone", "planner"),
        (2, "book_hotel", "failed", "planner"),
        (3, "cancel_flight", "done", "undo"),
    ]
    asked = up.rows("SELECT actor_name, reason FROM traces_event WHERE verb = 'undo_asked'")
    assert [who for who, _ in asked] == ["operator"]
    assert asked[0][1].endswith("(Said by the demo's seeding in the name of operator.)")
    assert up.office.effects("cancel_flight") == 1


def test_what_only_reads_asks_nobody_and_what_writes_waits_for_a_person(up: Up) -> None:
    tools = up.rows(TOOLS.format(organization="demo"))
    for name, tier, maturity, *_ in tools:
        assert maturity == ("audit_only" if tier == "read" else "in_the_loop"), name
    reasons = up.rows(
        "SELECT DISTINCT e.reason FROM traces_event e WHERE e.verb = 'tool_set'",
    )
    assert reasons == [("The demo's choice: this only reads the back office, so nobody has to be asked.",)]
    assert ("get_order", "done") in up.rows(ACTIONS)


def test_messages_of_the_demo_go_to_the_office_and_another_organization_has_the_installed_tool(up: Up) -> None:
    ours = {row[0]: row[3] for row in up.rows(TOOLS.format(organization="demo"))}
    theirs = {row[0]: row[3] for row in up.rows(TOOLS.format(organization="elsewhere"))}
    assert (ours["send_message"], ours["write_note"]) == ("http", "python")
    assert theirs == {"send_message": "python", "write_note": "python"}


def test_a_killed_office_comes_back_where_it_was_with_what_it_had_written(up: Up) -> None:
    before, killed = up.office.ledger(), up.child("sandbox")
    killed.kill()
    until(lambda: up.came_back("sandbox", killed.pid), 30, "the office is back")
    until(lambda: answers(up), 30, "the office answers")
    assert up.office.ledger() == before


def answers(up: Up) -> bool:
    """Whether the office does."""
    try:
        return bool(up.office.call("GET", "/healthz").status == 200)
    except OSError:
        return False


@as_root
def test_the_office_is_an_account_of_its_own(up: Up) -> None:
    office = up.child("sandbox").uids().real
    others = {up.child(name).uids().real for name in ("web", "executor1", "postgres")}
    assert office not in others
    tried = subprocess.run(
        ["cat", str(up.home / "keys" / "permit.pem")], user=office, extra_groups=[], capture_output=True, check=False
    )
    assert (tried.returncode, tried.stdout) == (1, b"")


def test_the_next_start_changes_nothing_and_a_lost_port_brings_the_tools_in_again() -> None:
    with Up(LAM_DEMO="day") as up:
        until(lambda: played(up), 120, "the day is over")
        runs, tools, where = up.rows("SELECT id FROM lam_app_run ORDER BY id"), up.rows(every()), up.office.url
        up.stop()
        up.start()
        assert up.office.url == where
        assert up.rows(every()) == tools
        assert up.rows("SELECT id FROM lam_app_run ORDER BY id") == runs
        assert "day:" not in up.said
        up.stop()
        (up.home / "run" / "day").unlink()  # as if it had been cut short
        with socket.socket() as somebody:
            port = int(where.rpartition(":")[2])
            somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            somebody.bind(("127.0.0.1", port))
            somebody.listen()
            up.start()
        assert f"port {port} is taken by another program" in up.said
        until(lambda: played(up), 60, "the day has been looked through again")
        assert up.rows("SELECT id FROM lam_app_run ORDER BY id") == runs
        moved = {row[0]: row for row in up.rows(every())}
        for name, tier, maturity, connector, server, number in moved.values():
            if connector == "http":
                assert (server, number) == (up.office.url, 2), name
                assert maturity == ("audit_only" if tier == "read" else "in_the_loop"), name
        assert up.office.url != where
        Session(up.url, "operator").post("/runs/new/", goal="Show me order 1010")
        last = "SELECT status FROM lam_app_run ORDER BY id DESC LIMIT 1"
        until(lambda: up.rows(last) == [("succeeded",)], 30, "the order was read at the new port")


def every() -> str:
    """The query for the demo's catalogue."""
    return TOOLS.format(organization="demo")


def test_a_demo_of_people_alone_has_no_office_and_keeps_the_installed_tools() -> None:
    with Up(LAM_DEMO="people") as up:
        assert "back office" not in up.said
        assert not (up.home / "run" / "sandbox.port").exists()
        assert {row[0]: row[3] for row in up.rows(every())} == {"send_message": "python", "write_note": "python"}


def test_with_another_model_the_day_is_left_out_and_it_says_so() -> None:
    with Up(LAM_DEMO="day", OPENAI_BASE_URL="http://127.0.0.1:9/v1", LAM_MODEL="another") as up:
        assert "day: none is played" in up.said
        assert up.rows("SELECT count(*) FROM lam_app_run") == [(0,)]
