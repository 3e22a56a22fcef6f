"""A database that is busy, full or away: 503 with Retry-After, in the caller's language, and nothing half done."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client

from approvals.models import Action, Decision
from tests.support.racing import acting_as
from tests.support.sql import speaking_as
from tests.support.world import World


def signed_in(world: World, name: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def says_when_to_try_again(answer: Any) -> bool:
    """Whether this is the calm page, with the header that programs read."""
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    page = answer.content.decode()
    assert "Busy for a moment" in page
    return "OperationalError" not in page and "FATAL" not in page


def program_is_told(answer: Any) -> bool:
    """Whether this is the problem document that says the same."""
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    told = answer.json()
    return (told["code"], told["retry"]) == ("unavailable", True)


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """This thread's requests wait 50 ms for a lock, where a page waits five seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        try:
            yield
        finally:
            cursor.execute("RESET lock_timeout")


def approve(client: Client, action: Action, **headers: Any) -> Any:
    return client.post(
        f"/actions/{action.pk}/decide/", {"decision": "approve", "digest": action.digest}, headers=headers
    )


def test_f23_a_row_that_somebody_holds_is_waited_for_within_bounds_and_others_are_served(world: World) -> None:
    action, reviewer, outsider = world.staged(), signed_in(world, "reviewer"), signed_in(world, "outsider")
    with speaking_as("admin") as other, impatient():
        with other.transaction():
            other.execute(
                "SELECT 1 FROM approvals_action WHERE organization_id = %s FOR UPDATE", [action.organization_id]
            )
            assert says_when_to_try_again(approve(reviewer, action))
            assert program_is_told(approve(reviewer, action, accept="application/json"))
            assert not Decision.objects.exists()
            assert outsider.get("/runs/").status_code == 200  # the other organization notices nothing
            assert reviewer.get(f"/actions/{action.pk}/").status_code == 200  # and reading waits for nobody
        assert approve(reviewer, action).status_code == 302
    assert Decision.objects.count() == 1


def test_f20_a_connection_that_was_ended_is_a_503_and_the_next_request_is_served(world: World) -> None:
    reviewer = signed_in(world, "reviewer")
    for path, told in (("/", says_when_to_try_again), ("/api/v1/tools", program_is_told)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with speaking_as("admin") as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        headers = {"Authorization": "Bearer cs_nobody"} if path.startswith("/api") else {}
        assert told(reviewer.get(path, headers=headers))
        connection.close()  # what the end of a request does, outside of tests
        assert reviewer.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/runs/", "/api/v1/tools", "/accounts/login/"])
def test_f24_a_server_without_a_connection_to_spare_is_a_503(world: World, path: str) -> None:
    reviewer, name = signed_in(world, "reviewer"), connection.settings_dict["NAME"]
    with speaking_as("admin") as admin, acting_as("web"):
        admin.autocommit = True
        admin.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')  # type: ignore[arg-type]
        try:
            connection.close()
            answer = reviewer.get(path, headers={"Authorization": "Bearer cs_nobody"} if "api" in path else {})
        finally:
            admin.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')  # type: ignore[arg-type]
    assert program_is_told(answer) if "api" in path else says_when_to_try_again(answer)


def test_f24_a_pool_without_a_connection_to_spare_is_a_503_and_served_once_there_is_one(world: World) -> None:
    reviewer = signed_in(world, "reviewer")
    options = connections.settings["default"]["OPTIONS"]
    age = connections.settings["default"]["CONN_MAX_AGE"]
    connections.close_all()
    connections.settings["default"]["CONN_MAX_AGE"] = 0
    options["pool"] = {"min_size": 1, "max_size": 1, "timeout": 0.2}
    answers: list[Any] = []

    def asks() -> None:
        try:
            answers.append(reviewer.get("/runs/"))
        finally:
            connection.close()

    def asked() -> Any:
        thread = threading.Thread(target=asks)
        thread.start()
        thread.join(30)
        return answers.pop()

    try:
        connection.ensure_connection()  # the only one there is
        assert says_when_to_try_again(asked())
        connection.close()
        assert asked().status_code == 200
    finally:
        connections.close_all()
        connection.close_pool()  # type: ignore[attr-defined]
        del options["pool"]
        connections.settings["default"]["CONN_MAX_AGE"] = age
