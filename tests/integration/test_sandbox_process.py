"""The sandbox as a process: it says where it is, ends when told, keeps what it answered, and knows no product."""

import concurrent.futures
import contextlib
import http.client
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.backoffice import BackOffice

ROOT = Path(__file__).parents[2]
REFUND = {"order_id": 1009, "reason": "The kettle arrived broken."}


@contextlib.contextmanager
def started(*more):
    command = [sys.executable, "-m", "sandbox", "--port", "0", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_the_process_says_where_it_is_and_ends_when_told_with_callers_waiting():
    with started() as (process, said):
        office = BackOffice(said.split()[1])
        office.fault("get_order", "slow", seconds=60)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(office.call, "GET", "/orders/1009")
            while office.call("GET", "/control/faults").body["faults"]:
                pass
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert isinstance(waiting.exception(10), ConnectionError | http.client.HTTPException | None)
        assert process.stdout.read() == ""


def test_what_was_answered_survives_a_kill(tmp_path):
    store = str(tmp_path / "office.sqlite3")
    with started("--store", store) as (process, said):
        first = BackOffice(said.split()[1]).call("POST", "/refunds", REFUND, idempotency_key="k-1")
        process.kill()
        process.wait(10)
    with started("--store", store) as (_, said):
        office = BackOffice(said.split()[1])
        assert office.effects("create_refund") == 1
        again = office.call("POST", "/refunds", REFUND, idempotency_key="k-1")
        assert (again.raw, again.headers["Idempotent-Replayed"]) == (first.raw, "true")


def test_a_taken_port_or_store_is_said_and_ends_it(tmp_path):
    store = str(tmp_path / "office.sqlite3")
    with started("--store", store) as (_, said), started("--store", store) as (second, complaint):
        assert said.startswith("ready http://127.0.0.1:")
        assert "cannot be opened" in complaint
        assert second.wait(10) == 1


def test_it_imports_nothing_of_the_product():
    program = (
        "import sys, sandbox.server, sandbox.demo;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), sep='\\n')"
    )
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    product = {"lam_app", "approvals", "tools", "accounts", "traces", "django", "celery", "psycopg", "redis", "uvicorn"}
    assert not product & set(loaded.stdout.split())
