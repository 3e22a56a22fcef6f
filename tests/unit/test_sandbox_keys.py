"""The sandbox does a call once for each key where it says so, and its ledger tells the truth."""

import threading

import pytest

from sandbox.desk import Desk
from sandbox.office import OPERATIONS
from sandbox.operations import Repeat
from sandbox.store import TABLES, Store


@pytest.fixture
def desk():
    store = Store()
    yield Desk(store)
    store.close()


def done(desk, operation, /, under=None, **arguments):
    answer = desk.call(operation, arguments, key=under)
    assert answer.status < 300, answer.body
    return answer.body


def records(desk):
    return {(kind, number): body for kind, number, body in desk.store._sql.execute("SELECT * FROM record")}


KEYED = [name for name, one in OPERATIONS.items() if one.repeat is Repeat.KEYED]


@pytest.mark.parametrize("name", KEYED)
def test_a_keyed_call_that_comes_twice_is_done_once_and_answered_alike(desk, name):
    first = desk.call(name, OPERATIONS[name].example, key="k-1")
    again = desk.call(name, OPERATIONS[name].example, key="k-1")
    assert (again.status, again.body, again.repeated) == (first.status, first.body, True)
    (line,) = desk.store.ledger()
    assert (line.applied, line.repeated, line.key) == (True, 1, "k-1")


@pytest.mark.parametrize("name", ["reply_to_ticket", "launch_campaign"])
def test_an_operation_that_is_neither_does_it_again(desk, name):
    for _ in range(2):
        done(desk, name, under="k-1", **OPERATIONS[name].example)
    assert [line.applied for line in desk.store.ledger(operation=name)] == [True, True]


def test_a_payment_can_be_asked_about_by_its_reference(desk):
    assert done(desk, "find_effect", key="p-1")["happened"] is False
    paid = done(desk, "pay_invoice", under="p-1", invoice_id="INV-203", amount="10.00")
    found = done(desk, "find_effect", key="p-1")
    assert (found["happened"], found["times"], found["answer"]) == (True, 1, paid)
    done(desk, "pay_invoice", under="p-1", invoice_id="INV-203", amount="10.00")
    assert done(desk, "find_effect", key="p-1")["times"] == 2


def test_a_key_for_another_call_is_refused(desk):  # F30
    done(desk, "create_refund", under="k-1", order_id=1009, amount="1.00", reason="x")
    for name, arguments in (
        ("create_refund", {"order_id": 1009, "amount": "2.00", "reason": "x"}),
        ("reserve", {"sku": "KTL-1", "quantity": 1}),
    ):
        answer = desk.call(name, arguments, key="k-1")
        assert (answer.status, answer.body["code"]) == (409, "key_reused")
    assert sum(line.applied for line in desk.store.ledger()) == 1


def test_a_refused_call_leaves_its_key_free_and_a_line_that_nothing_was_done(desk):
    assert desk.call("reserve", {"sku": "TRY-7", "quantity": 1}, key="k-1").status == 409
    (line,) = desk.store.ledger()
    assert (line.applied, line.status, line.answer["code"]) == (False, 409, "out_of_stock")
    done(desk, "reserve", under="k-1", sku="KTL-1", quantity=1)


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ümlaut", "tab\t"])
def test_a_key_is_visible_ascii(desk, key):
    answer = desk.call("reserve", {"sku": "KTL-1", "quantity": 1}, key=key)
    assert (answer.status, answer.body["errors"][0]["path"]) == (422, "header.Idempotency-Key")


def test_a_key_that_many_use_at_once_has_one_effect(desk):
    found = []

    def call():
        found.append(desk.call("reserve", {"sku": "KTL-1", "quantity": 1}, key="k-1").body["reservation_id"])

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    (line,) = desk.store.ledger()
    assert line.repeated == 15


def test_an_effect_and_its_line_are_one(desk, monkeypatch):
    before = records(desk)

    def broken(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(desk.store, "note", broken)
    with pytest.raises(OSError, match="disk full"):
        desk.call("reserve", {"sku": "KTL-1", "quantity": 1})
    assert records(desk) == before


@pytest.mark.parametrize("statement", ["UPDATE effect SET applied = 0", "DELETE FROM effect", "DELETE FROM repeat"])
def test_the_ledger_is_append_only(desk, statement):
    for _ in range(2):
        done(desk, "reserve", under="k-1", sku="KTL-1", quantity=1)
    with pytest.raises(Exception, match="append-only"):
        desk.store._sql.execute(statement)


def test_a_reset_begins_the_world_anew_guards_included(desk):
    first = records(desk)
    done(desk, "reserve", sku="KTL-1", quantity=1)
    desk.reset()
    assert desk.store.ledger() == []
    assert {key: body for key, body in records(desk).items() if key[0] not in ("Refund", "Record")} == {
        key: body for key, body in first.items() if key[0] not in ("Refund", "Record")
    }
    assert done(desk, "reserve", sku="KTL-1", quantity=1)["reservation_id"] == "RS-5001"
    (triggers,) = desk.store._sql.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()
    assert (triggers, len(TABLES)) == (4, 4)


def test_a_store_survives_its_process_and_has_one_owner(tmp_path):
    place = tmp_path / "office.sqlite3"
    store = Store(place)
    done(Desk(store), "reserve", under="k-1", sku="KTL-1", quantity=1)
    with pytest.raises(OSError, match="locked"):
        Store(place, patience=0)
    store.close()
    store = Store(place)
    assert Desk(store).call("reserve", {"sku": "KTL-1", "quantity": 1}, key="k-1").repeated
    store.close()
