"""The sandbox over HTTP: routing, strict reading, faults to order, the ledger's page, and the process itself."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
from urllib.parse import quote, urlencode

import pytest

from sandbox.demo import GOALS, SAGA
from sandbox.office import OPERATIONS
from tests.support.backoffice import back_office

REFUND = {"order_id": 1009, "reason": "The kettle arrived broken."}


@pytest.fixture(scope="module")
def served():
    with back_office() as office:
        yield office


@pytest.fixture
def office(served):
    served.reset()
    return served


def request_of(name):
    """The example of an operation as a request."""
    one = OPERATIONS[name]
    path = one.path.format(**{field: quote(str(one.example[field]), safe="") for field in one.in_path})
    rest = {field: value for field, value in one.example.items() if field not in one.in_path}
    if one.has_body:
        return one.method, path, rest
    return one.method, f"{path}?{urlencode(rest)}" if rest else path, None


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_accepted_at_its_path(office, name):
    answer = office.call(*request_of(name), idempotency_key="k-1")
    assert (answer.status, answer.headers["Content-Type"]) == (OPERATIONS[name].status, "application/json")


def test_a_repeated_call_is_answered_alike_and_says_so(office):
    first = office.call("POST", "/refunds", REFUND, idempotency_key="k-1")
    again = office.call("POST", "/refunds", REFUND, idempotency_key="k-1")
    assert (again.status, again.raw) == (first.status, first.raw)
    assert (first.headers["Idempotent-Replayed"], again.headers["Idempotent-Replayed"]) == (None, "true")
    (line,) = office.ledger(key="k-1")
    assert (line["operation"], line["arguments"], line["applied"], line["repeated"]) == (
        "create_refund",
        REFUND,
        True,
        1,
    )


def test_f30_a_key_for_another_call_is_409(office):  # F30
    office.call("POST", "/refunds", REFUND, idempotency_key="k-1")
    answer = office.call("POST", "/refunds", REFUND | {"order_id": 1010}, idempotency_key="k-1")
    assert (answer.status, answer.body["code"]) == (409, "key_reused")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert office.effects("create_refund") == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "word"),
    [
        ("GET", "/nothing", None, 404, "no_such_path"),
        ("GET", "/orders/", None, 404, "no_such_path"),
        ("GET", "/orders/4242", None, 404, "not_found"),
        ("GET", "/orders/kettle", None, 422, "path.order_id"),
        ("GET", "/orders/01009", None, 422, "path.order_id"),
        ("GET", "/orders?limit=many", None, 422, "query.limit"),
        ("GET", "/orders?limit=1&limit=2", None, 422, "query.limit"),
        ("GET", "/orders?sort=up", None, 422, "query.sort"),
        ("PUT", "/orders/1009", None, 405, "method_not_allowed"),
        ("POST", "/refunds", b"{", 400, "not_understood"),
        ("POST", "/refunds", b'{"order_id": 1009, "order_id": 1010, "reason": "x"}', 400, "given twice"),
        ("POST", "/refunds", b'{"order_id": NaN, "reason": "x"}', 400, "not a number"),
        ("POST", "/refunds", b"[" * 100_000, 400, "not_understood"),
        ("POST", "/refunds", [], 422, "body"),
        ("POST", "/refunds", b'{"order_id": 1e999, "reason": "x"}', 422, "body"),
        ("POST", "/refunds", {"order_id": 1009.5, "reason": "x"}, 422, "body.order_id"),
        ("POST", "/refunds", {"reason": "x"}, 422, "body.order_id"),
        ("POST", "/refunds", {"order_id": "1009", "reason": "x"}, 422, "body.order_id"),
        ("POST", "/refunds", {"order_id": 1009, "reason": "x", "sku": "KTL-1"}, 422, "body.sku"),
        ("PATCH", "/customers/C-201", {"customer_id": "C-202", "phone": "+49 30 5550 1"}, 422, "body.customer_id"),
        ("POST", "/refunds/RF-4001/cancel", {"why": "x"}, 422, "body"),
        ("POST", "/control/faults", {"operation": "make_tea", "mode": "slow"}, 422, "body.operation"),
        ("POST", "/control/faults", {"operation": "reserve", "mode": "sulk"}, 422, "body.mode"),
    ],
)
def test_what_is_wrong_is_said_in_a_problem_document(office, method, path, body, status, word):
    answer = office.call(method, path, body)
    assert (answer.status, answer.body["status"]) == (status, status)
    assert word in answer.raw.decode()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [line for line in office.ledger() if line["applied"]] == []


def test_a_whole_number_may_have_a_point(office):
    assert office.call("POST", "/refunds", REFUND | {"order_id": 1009.0}).body["order_id"] == 1009


def test_a_method_that_is_not_allowed_names_those_that_are(office):
    for method in ("DELETE", "HEAD", "OPTIONS", "QUERY"):
        answer = office.call(method, "/orders/1009")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")


def test_a_body_needs_its_type_its_length_and_a_limit(office):
    with contextlib.closing(http.client.HTTPConnection(office.url.removeprefix("http://"), timeout=10)) as line:
        line.request("POST", "/refunds", json.dumps(REFUND), {"Content-Type": "text/plain"})
        answer = line.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (415, "not_json")
    # Only heads are sent: the service answers without waiting for a body that it will not read.
    for head, status in ((b"Transfer-Encoding: chunked", b"411"), (b"Content-Length: 1000001", b"413")):
        with socket.create_connection(("127.0.0.1", int(office.url.rsplit(":", 1)[1])), timeout=10) as line:
            line.sendall(
                b"POST /refunds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n"
            )
            assert line.recv(100).startswith(b"HTTP/1.1 " + status + b" ")


def test_a_connection_is_kept(office):
    with contextlib.closing(http.client.HTTPConnection(office.url.removeprefix("http://"), timeout=10)) as line:
        line.connect()
        kept = line.sock
        for _ in range(3):
            line.request("GET", "/orders/1009")
            assert line.getresponse().read()
        assert line.sock is kept


# Faults: how each looks from outside, and what really happened.


@pytest.mark.parametrize(
    ("mode", "status", "header"),
    [
        ("fail_before", 503, None),
        ("rate_limited", 429, ("Retry-After", "3")),
        ("redirect", 307, ("Location", "/elsewhere")),
    ],
)
def test_a_fault_before_the_effect_leaves_nothing(office, mode, status, header):
    office.fault("create_refund", mode, seconds=2.5)
    answer = office.call("POST", "/refunds", REFUND, idempotency_key="k-1")
    assert answer.status == status
    assert header is None or answer.headers[header[0]] == header[1]
    assert office.ledger() == []
    assert office.call("POST", "/refunds", REFUND, idempotency_key="k-1").status == 201


def test_a_fault_after_the_effect_is_a_500_and_the_key_tells_the_truth(office):
    office.fault("create_refund", "fail_after")
    assert office.call("POST", "/refunds", REFUND, idempotency_key="k-1").status == 500
    assert office.effects("create_refund") == 1
    again = office.call("POST", "/refunds", REFUND, idempotency_key="k-1")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert office.effects("create_refund") == 1


def test_a_lost_answer_is_a_closed_connection_after_the_effect(office):
    office.fault("reply_to_ticket", "lose_answer")
    with pytest.raises(http.client.RemoteDisconnected):
        office.call("POST", "/tickets/T-301/replies", {"text": "Hello."})
    assert office.effects("reply_to_ticket") == 1


def test_a_cut_answer_breaks_off_in_the_middle(office):
    office.fault("create_refund", "cut_answer")
    with pytest.raises(http.client.IncompleteRead):
        office.call("POST", "/refunds", REFUND)
    assert office.effects("create_refund") == 1


def test_wrong_json_is_no_json(office):
    office.fault("create_refund", "wrong_json")
    answer = office.call("POST", "/refunds", REFUND)
    assert (answer.status, answer.headers["Content-Type"]) == (201, "application/json")
    with pytest.raises(json.JSONDecodeError):
        _ = answer.body
    assert office.effects("create_refund") == 1


def test_a_slow_call_is_done_in_the_end(office):
    office.fault("create_refund", "slow", seconds=0.05)
    assert office.call("POST", "/refunds", REFUND).status == 201


def test_a_call_that_is_slow_after_its_effect_outlasts_an_impatient_caller(office):
    office.fault("create_refund", "slow_after", seconds=60)
    with pytest.raises(TimeoutError):
        office.call("POST", "/refunds", REFUND, timeout=0.3, idempotency_key="k-1")
    assert office.effects("create_refund") == 1
    assert office.call("POST", "/refunds", REFUND, idempotency_key="k-1").headers["Idempotent-Replayed"] == "true"


def test_a_fault_is_for_so_many_calls_of_its_operation(office):
    office.fault("get_order", "fail_before", times=2)
    assert office.call("GET", "/inventory/KTL-1").status == 200
    assert [office.call("GET", "/orders/1009").status for _ in range(3)] == [503, 503, 200]
    office.fault("*", "fail_before")
    assert [office.call("GET", "/inventory/KTL-1").status for _ in range(2)] == [503, 200]
    office.fault("*", "fail_before")
    assert len(office.call("GET", "/control/faults").body["faults"]) == 1
    assert office.call("DELETE", "/control/faults").body == {"faults": []}
    assert office.call("GET", "/inventory/KTL-1").status == 200


def test_many_callers_at_once_are_served_and_counted(office):
    def reserve(number):
        body = {"sku": "TEA-2", "quantity": 1}
        return office.call("POST", "/reservations", body, idempotency_key=f"k-{number % 20}").body["reservation_id"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        made = set(pool.map(reserve, range(60)))
    assert (len(made), office.effects("reserve")) == (20, 20)
    assert office.call("GET", "/inventory/TEA-2").body["available"] == 120


# For people


def test_the_page_shows_what_happened_and_runs_nothing(office):
    hostile = "<script>alert(1)</script>"
    office.call("POST", "/refunds", REFUND | {"reason": hostile}, idempotency_key="k-1")
    office.call("POST", "/refunds", REFUND | {"reason": hostile}, idempotency_key="k-1")
    office.call("POST", "/refunds", REFUND)
    office.fault("reserve", "slow")
    answer = office.call("GET", "/")
    text = answer.raw.decode()
    assert "done (asked 2 times, done once)" in text
    assert "not done: Order 1009 has 0.00 EUR left to refund." in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<code>reserve</code>: slow, 1 time" in text
    assert "1 effect, 1 call that changed nothing." in text


def test_it_is_well_and_has_a_document(office):
    assert office.call("GET", "/healthz").body == {"ok": True}
    assert office.call("GET", "/openapi.json").body["openapi"] == "3.1.0"


def test_the_goals_of_the_demo_are_words_of_people():
    assert len(set(GOALS)) == len(GOALS)
    assert GOALS[0] == "Refund order 1009, the kettle arrived broken, and tell the customer"
    assert "flight" in SAGA
    assert not any(name in goal for goal in GOALS for name in OPERATIONS if "_" in name)
