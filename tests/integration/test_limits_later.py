"""Limits when a call is judged again: edited, under a new policy, or asked again because it could not be counted."""

import pytest
from django.db import connection

from approvals.exceptions import LimitsBusy
from approvals.facts import gather
from approvals.facts.usage import wants
from approvals.models import Action, Reservation, Tally
from approvals.services.edit import edit
from approvals.services.propose import propose
from approvals.tasks import execute_permitted, sign_permits
from tests.integration.test_limits import put, used
from tests.support.paying import calls, decree, euros, payment, set_free
from tests.support.sql import speaking_as
from tests.support.world import World, approved
from traces.clock import now


@pytest.fixture
def free(world: World) -> World:
    set_free(world, "pay_odd", "put_odd")
    return world


def test_an_edited_amount_is_counted_in_the_place_of_the_first_one(free: World) -> None:
    decree(free, euros(100))
    action = propose(free.proposal("pay_odd", payment("400")))
    action.refresh_from_db()
    assert action.status == "in_review"
    edit(
        actor=free.reviewer, organization=free.organization.id, action_id=action.id, digest=action.digest,
        arguments=payment("90"), signed_in_at=now(),
    )  # fmt: skip
    assert [row.amount for row in Tally.objects.all()] == [90]
    counted = Reservation.objects.order_by("asks")
    assert [(row.asks, row.released_at is None) for row in counted] == [(90, True), (400, False)]
    assert propose(free.proposal("pay_odd", payment("10"))).status == "permitted"
    assert propose(free.proposal("pay_odd", payment("1"))).status == "in_review"


def test_a_limit_that_is_new_counts_what_was_decided_before_it_and_denies_nothing_for_that(free: World) -> None:
    action = free.staged("send_message")
    decree(free, calls(5, "send_message"))
    approved(free, action)
    assert sign_permits() == 0  # the policy was changed after this was decided
    action.refresh_from_db()
    assert (action.status, action.revision, used("send-message")) == ("in_review", 2, 1)
    approved(free, action)
    assert (sign_permits(), execute_permitted()) == (1, 1)


def test_another_window_counts_anew_what_was_counted_in_the_old_one(free: World) -> None:
    decree(free, calls(5, "send_message"))
    action = free.staged("send_message")
    decree(free, calls(5, "send_message", seconds=7200))
    approved(free, action)
    assert sign_permits() == 0
    action.refresh_from_db()
    assert (action.status, used()) == ("in_review", 1)
    approved(free, action)
    assert (sign_permits(), execute_permitted()) == (1, 1)


def test_what_cannot_be_counted_now_is_not_staged_and_may_be_asked_again(free: World) -> None:
    decree(free, calls(5, "put_odd"))
    with speaking_as("admin") as other, connection.cursor() as cursor:
        (want,) = wants(gather(free.proposal("put_odd", {"thing": "a"})))
        other.execute("SELECT pg_advisory_xact_lock(approvals_limit_lock(%s, %s))", [free.organization.id, want.key])
        cursor.execute("SET lock_timeout = '50ms'")
        try:
            with pytest.raises(LimitsBusy) as busy:
                put(free)
        finally:
            cursor.execute("RESET lock_timeout")
    assert (busy.value.http_status, busy.value.retry) == (503, True)
    assert Action.objects.count() == Reservation.objects.count() == Tally.objects.count() == 0
    assert put(free).status == "permitted"
