"""Every operation of the sandbox does what it says, and its inverse undoes it."""

import threading

import pytest

from sandbox.desk import Desk
from sandbox.office import OPERATIONS
from sandbox.operations import Repeat, undo_of
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


def refused(desk, operation, **arguments):
    answer = desk.call(operation, arguments)
    assert answer.status >= 400
    return answer.status, answer.body["code"]


def records(desk):
    return {(kind, number): body for kind, number, body in desk.store._sql.execute("SELECT * FROM record")}


WRITES = [name for name, one in OPERATIONS.items() if one.writes]
UNDONE = [name for name in WRITES if OPERATIONS[name].undo]


@pytest.mark.parametrize("name", OPERATIONS)
def test_its_example_is_accepted_and_written_into_the_ledger_only_where_it_changes_something(desk, name):
    before = records(desk)
    done(desk, name, **OPERATIONS[name].example)
    writes = OPERATIONS[name].writes
    assert [(line.operation, line.applied) for line in desk.store.ledger()] == [(name, True)] * writes
    assert (records(desk) != before) == writes


@pytest.mark.parametrize("name", UNDONE)
def test_its_inverse_takes_arguments_from_the_answer_and_undoes_it(desk, name):
    before = records(desk)
    answer = done(desk, name, **OPERATIONS[name].example)
    undo = undo_of(OPERATIONS[name])
    body = answer[undo.body] if undo.body else {}
    done(desk, undo.operation, **{field: answer[found] for field, found in undo.arguments.items()}, **body)
    after = records(desk)
    # What was there is as it was; what was made is gone, or says that it does not count any more.
    assert {key: after[key] for key in before} == before
    for key in after.keys() - before.keys():
        assert any(word in after[key] for word in ('"cancelled"', '"released"', '"closed"')), after[key]


def test_what_has_no_inverse_is_known():
    assert set(WRITES) - set(UNDONE) == {
        *("cancel_refund", "release", "cancel_flight", "cancel_hotel", "cancel_event", "cancel_interview"),
        *("close_ticket", "erase_record", "delete_user"),
        *("pay_invoice", "reply_to_ticket", "send_message", "launch_campaign"),
    }


def test_order_1009_is_the_kettle_that_is_late(desk):
    order = done(desk, "get_order", order_id=1009)
    assert (order["customer"], order["status"]) == ("Amara Okafor", "delayed")
    assert order["lines"][0]["article"].startswith("Stovetop kettle")


def test_a_refund_without_an_amount_gives_back_what_was_paid(desk):
    refund = done(desk, "create_refund", order_id=1009, reason="It arrived broken.")
    assert refund["amount"] == {"amount": "49.90", "currency": "EUR"}
    assert done(desk, "get_order", order_id=1009)["refunded"] == refund["amount"]
    assert refused(desk, "create_refund", order_id=1009, reason="Again.") == (409, "too_much")


def test_a_refund_in_parts_never_exceeds_what_was_paid(desk):
    for amount in ("20.00", "20.00"):
        done(desk, "create_refund", order_id=1009, amount=amount, reason="A part.")
    assert refused(desk, "create_refund", order_id=1009, amount="9.91", reason="x") == (409, "too_much")
    last = done(desk, "create_refund", order_id=1009, amount="9.90", reason="The rest.")
    done(desk, "cancel_refund", refund_id=last["refund_id"])
    assert done(desk, "get_order", order_id=1009)["refunded"]["amount"] == "40.00"
    assert refused(desk, "cancel_refund", refund_id=last["refund_id"]) == (409, "already_cancelled")


@pytest.mark.parametrize(
    "amount", ["0.00", "-1.00", "1", "1.0", "1.005", "1e2", "01.00", "NaN", "1,00", " 1.00", 1.5, 5]
)
def test_an_amount_is_a_decimal_string_above_zero(desk, amount):
    answer = desk.call("create_refund", {"order_id": 1009, "amount": amount, "reason": "x"})
    assert (answer.status, answer.body["errors"][0]["path"]) == (422, "body.amount")


def test_another_currency_than_the_orders_is_refused(desk):
    answer = desk.call("create_refund", {"order_id": 1009, "amount": "1.00", "currency": "USD", "reason": "x"})
    assert (answer.status, answer.body["errors"][0]["path"]) == (422, "body.currency")


def test_what_is_unknown_is_said_in_words(desk):
    answer = desk.call("create_refund", {"order_id": 4242, "reason": "x"})
    assert (answer.status, answer.body["detail"]) == (404, "There is no order 4242.")
    for name, arguments in {
        "get_customer": {"customer_id": "C-9"},
        "get_stock": {"sku": "XXX-9"},
        "pay_invoice": {"invoice_id": "INV-9"},
        "get_ticket": {"ticket_id": "T-9"},
        "delete_user": {"user_id": "U-9"},
        "book_hotel": {"city": "Atlantis", "check_in": "2026-12-03", "nights": 1},
        "book_flight": {"destination": "Atlantis", "date": "2026-12-03", "passenger_name": "P"},
    }.items():
        assert refused(desk, name, **arguments) == (404, "not_found")


def test_every_wrong_field_is_named_with_its_place(desk):
    answer = desk.call("update_customer", {"customer_id": "x", "email": "no", "zip": 1, "phone": None})
    assert [error["path"] for error in answer.body["errors"]] == ["body.phone"]
    answer = desk.call("update_customer", {"customer_id": "x", "email": "no", "zip": 1})
    assert [error["path"] for error in answer.body["errors"]] == ["path.customer_id", "body.email", "body.zip"]


def test_stock_moves_with_its_reservations(desk):
    held = done(desk, "reserve", sku="POT-3", quantity=3)
    assert done(desk, "get_stock", sku="POT-3")["available"] == 0
    assert refused(desk, "reserve", sku="POT-3", quantity=1) == (409, "out_of_stock")
    done(desk, "release", reservation_id=held["reservation_id"])
    assert done(desk, "get_stock", sku="POT-3")["available"] == 3
    assert refused(desk, "release", reservation_id=held["reservation_id"]) == (409, "already_released")


def test_lisbon_has_a_flight_and_no_rooms(desk):
    flight = done(desk, "book_flight", destination="Lisbon", date="2026-12-03", passenger_name="Priya Raman")
    assert flight["flight_number"] == "TP533"
    assert refused(desk, "book_hotel", city="Lisbon", check_in="2026-12-03", nights=2) == (409, "no_rooms")
    assert done(desk, "cancel_flight", booking_id=flight["booking_id"])["status"] == "cancelled"


def test_seats_and_rooms_run_out_by_the_day_and_come_back(desk):
    seat = {"destination": "Lyon", "date": "2026-12-03", "passenger_name": "P"}
    booked = [done(desk, "book_flight", **seat)["booking_id"] for _ in range(6)]
    assert refused(desk, "book_flight", **seat) == (409, "no_seats")
    done(desk, "book_flight", **seat | {"date": "2026-12-04"})
    done(desk, "cancel_flight", booking_id=booked[0])
    done(desk, "book_flight", **seat)
    room = {"city": "Lyon", "check_in": "2026-12-03", "nights": 2}
    for _ in range(3):
        done(desk, "book_hotel", **room)
    assert refused(desk, "book_hotel", **room | {"check_in": "2026-12-02"}) == (409, "no_rooms")
    done(desk, "book_hotel", **room | {"check_in": "2026-12-05"})


def test_an_invoice_is_paid_in_parts_and_not_twice_in_full(desk):
    part = done(desk, "pay_invoice", invoice_id="INV-203", amount="840.00")
    assert part["left"]["amount"] == "1000.00"
    done(desk, "pay_invoice", invoice_id="INV-203")
    assert done(desk, "get_invoice", invoice_id="INV-203")["status"] == "paid"
    assert refused(desk, "pay_invoice", invoice_id="INV-203") == (409, "already_paid")


@pytest.mark.parametrize(
    ("to", "address"),
    [
        ("customer of order 1009", "amara.okafor@example.com"),
        ("C-203", "sofia.m@example.com"),
        ("leila haddad", "leila.haddad@example.com"),
        ("anybody@example.org", "anybody@example.org"),
    ],
)
def test_a_message_finds_its_reader(desk, to, address):
    assert done(desk, "send_message", to=to, body="Hello.")["address"] == address


def test_a_message_to_nobody_is_refused(desk):
    assert refused(desk, "send_message", to="somebody", body="Hello.") == (422, "invalid")
    assert refused(desk, "send_message", to="customer of order 4242", body="Hello.") == (404, "not_found")


def test_a_closed_ticket_takes_no_reply(desk):
    done(desk, "close_ticket", ticket_id="T-301", resolution="Solved.")
    assert refused(desk, "reply_to_ticket", ticket_id="T-301", text="Hello?") == (409, "already_closed")


def test_an_address_has_one_account_and_a_changed_customer_keeps_the_rest(desk):
    done(desk, "create_user", email="bob@example.com", role="editor")
    assert refused(desk, "create_user", email="BOB@example.com") == (409, "already_there")
    changed = done(desk, "update_customer", customer_id="C-201", phone="+49 30 5550 999")
    assert changed["previous"] == {"phone": "+49 30 5550123"}
    assert changed["customer"]["email"] == "amara.okafor@example.com"
    assert refused(desk, "update_customer", customer_id="C-201") == (422, "invalid")


@pytest.mark.parametrize("name", [name for name in WRITES if OPERATIONS[name].repeat is Repeat.KEYED])
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
