"""Every operation of the sandbox does what it says, and its inverse undoes it."""

import pytest

from sandbox.desk import Desk
from sandbox.office import OPERATIONS
from sandbox.operations import undo_of
from sandbox.store import Store


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
    assert refused(desk, "create_refund", order_id=1009, currency="USD", reason="x") == (409, "wrong_currency")
    assert refused(desk, "pay_invoice", invoice_id="INV-205", currency="EUR") == (409, "wrong_currency")


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
    assert refused(desk, "send_message", to="somebody", body="Hello.") == (404, "not_found")
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
