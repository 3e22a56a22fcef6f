"""assign: one person looks at an action for a while, others are told before they decide, and nobody is locked out."""

from typing import Any

import psycopg
import pytest
from django.test import Client

from approvals.exceptions import (
    AlreadyDecided,
    NobodyToTakeIt,
    NotPermitted,
    NotYours,
    PrincipalMayNotDecide,
    ReasonMissing,
    Taken,
)
from approvals.models import Action
from approvals.services.assign import assign, escalate, extend, let_go, reassign
from approvals.services.edit import edit
from approvals.services.hold import hold
from approvals.services.reject import reject
from tests.support.desking import does, has_it, lapsed, leaving, on, told
from tests.support.sql import REFUSED, refusal
from tests.support.voting import BACKEND, browser, decide, status, two_needed, yes
from tests.support.world import MESSAGE, World
from traces.clock import later


def test_what_one_has_taken_another_decides_on_only_after_taking_it_over(world: World) -> None:
    action = world.staged()
    does(world, assign, "reviewer", action)
    assert has_it(action) == world.reviewer.pk
    with pytest.raises(Taken) as caught:
        yes(world, world.reviewer2, action)
    assert (caught.value.http_status, caught.value.code) == (409, "taken")
    for verb, more in ((reject, {}), (hold, {}), (edit, {"arguments": {**MESSAGE, "body": "Other."}})):
        with pytest.raises(Taken):
            on(world, verb, "reviewer2", action, **more)
    with pytest.raises(Taken):
        does(world, assign, "reviewer2", action)
    does(world, assign, "reviewer2", action, over=True)
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"
    assert told(world, action)[-4:] == ["assigned", "taken_over", "approve", "permitted"]


def test_it_is_anybodys_again_when_the_time_is_over_or_it_was_let_go(world: World) -> None:
    action = world.staged()
    does(world, assign, "reviewer", action)
    lapsed(action)
    does(world, assign, "reviewer2", action)
    assert has_it(action) == world.reviewer2.pk
    assert told(world, action)[-1] == "assigned"  # nobody had it any more: it was not taken over
    does(world, let_go, "reviewer2", action)
    assert has_it(action) is None
    yes(world, world.reviewer, action)
    assert status(action) == "permitted"


def test_the_time_can_be_begun_anew_and_moves_no_other_time(world: World, settings: Any) -> None:
    action = world.staged()
    before = action.expires_at
    settings.LAM_ASSIGN_SECONDS = 60
    does(world, assign, "reviewer", action)
    settings.LAM_ASSIGN_SECONDS = 3600
    does(world, extend, "reviewer", action)
    action.refresh_from_db()
    assert action.assigned_until > later(3000)
    assert action.expires_at == before


def test_after_a_first_yes_it_waits_for_somebody_else_and_is_nobodys(world: World) -> None:
    action = two_needed(world)
    does(world, assign, "reviewer", action)
    yes(world, world.reviewer, action)
    assert has_it(action) is None
    yes(world, world.reviewer2, action)
    assert status(action) == "permitted"


def test_it_is_handed_to_somebody_who_may_decide(world: World) -> None:
    action = world.staged()
    for nobody in ("operator", "auditor", "outsider", "no-such-person", ""):
        with pytest.raises(NobodyToTakeIt):
            does(world, reassign, "reviewer", action, to=nobody)
    does(world, reassign, "reviewer", action, to="reviewer2", reason="You know the customer.")
    assert has_it(action) == world.reviewer2.pk
    with pytest.raises(Taken):
        does(world, reassign, "reviewer", action, to="reviewer")
    assert told(world, action)[-1] == "reassigned"


def test_it_is_brought_before_those_who_administer_with_a_reason(world: World) -> None:
    action = world.staged()
    with pytest.raises(ReasonMissing):
        does(world, escalate, "reviewer", action, reason=" ")
    does(world, escalate, "reviewer", action, reason="Too much for me.")
    action.refresh_from_db()
    assert (action.escalated_at is not None, action.status) == (True, "in_review")
    assert told(world, action)[-1] == "escalated"
    page = browser(world, "administrator").get("/?lane=escalated")
    assert [row.action.pk for row in page.context["queue"].rows] == [action.pk]
    assert "Escalated" in browser(world, "administrator").get("/tools/").content.decode()
    assert "Escalated" not in browser(world, "auditor").get("/tools/").content.decode()
    assert browser(world, "operator").get("/?lane=escalated").status_code == 302


@pytest.mark.parametrize(("name", "refused"), [("operator", PrincipalMayNotDecide), ("auditor", NotPermitted)])
def test_whoever_may_not_decide_takes_nothing_and_moves_nothing(name: str, refused: Any, world: World) -> None:
    action = world.staged()
    for verb, more in (
        (assign, {}), (let_go, {}), (extend, {}), (reassign, {"to": "reviewer"}), (escalate, {"reason": "x"}),
    ):  # fmt: skip
        with pytest.raises(refused):
            does(world, verb, name, action, **more)
    assert has_it(action) is None


def test_only_what_waits_is_taken_and_only_ones_own_is_let_go(world: World) -> None:
    action = world.staged()
    for verb in (let_go, extend):
        with pytest.raises(NotYours):
            does(world, verb, "reviewer", action)
    does(world, assign, "reviewer", action)
    with pytest.raises(NotYours):
        does(world, let_go, "reviewer2", action)
    scheduled = leaving(world)
    with pytest.raises(AlreadyDecided):
        does(world, assign, "reviewer", scheduled)


def test_t22_only_who_may_decide_can_be_written_as_having_taken_it(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    world.staged()
    taking = "UPDATE approvals_action SET assignee_id = %s, assigned_until = now() + %s::interval"
    for person in (world.operator, world.auditor, world.outsider):
        assert refusal(as_web, taking, [person.pk, "1 minute"])[0] == REFUSED
    assert refusal(as_web, taking, [world.reviewer.pk, "3 days"])[0] == REFUSED
    assert refusal(as_worker, taking, [world.reviewer.pk, "1 minute"])[0] == REFUSED
    assert refusal(as_web, taking, [world.reviewer.pk, "1 minute"]) == ("", "")
    code, words = refusal(as_web, "UPDATE approvals_action SET assignee_id = %s", [world.reviewer.pk])
    assert (code, "action_taken_for_a_while" in words) == ("23514", True)


def post(world: World, name: str, action: Action, **form: str) -> int:
    return browser(world, name).post(f"/actions/{action.pk}/assign/", form).status_code


def test_the_door_takes_one_wish_and_its_own_fields(world: World) -> None:
    action = world.staged()
    assert post(world, "reviewer", action, what="claim") == 302
    assert post(world, "reviewer2", action, what="claim") == 409
    assert decide(browser(world, "reviewer2"), action).status_code == 409
    assert post(world, "reviewer2", action, what="claim", over="1") == 302
    assert post(world, "reviewer2", action, what="extend") == 302
    assert post(world, "reviewer2", action, what="release") == 302
    assert post(world, "reviewer2", action, what="reassign", to="reviewer", reason="So.") == 302
    assert post(world, "reviewer", action, what="reassign", to="nobody") == 422
    assert post(world, "reviewer", action, what="escalate") == 422
    assert post(world, "reviewer", action, what="escalate", reason="So.") == 302
    for wrong in ({"what": "steal"}, {}, {"what": "claim", "to": "reviewer"}, {"what": "claim", "status": "done"}):
        assert post(world, "reviewer", action, **wrong) == 400
    assert post(world, "outsider", action, what="claim") == 404
    assert has_it(action) == world.reviewer.pk


@pytest.mark.parametrize("door", ["assign", "remarks", "decide"])
def test_t67_no_door_opens_without_the_token_of_a_page_of_ours(door: str, world: World) -> None:
    action = world.staged()
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.reviewer, backend=BACKEND)
    at = f"/actions/{action.pk}/{door}/"
    form = {"assign": {"what": "claim"}, "remarks": {"kind": "comment", "text": "x"}, "decide": {"decision": "hold"}}
    assert client.post(at, form[door]).status_code == 403
    assert client.post(at, form[door], headers={"Origin": "https://elsewhere.invalid"}).status_code == 403
    assert client.post(at, '{"what": "claim"}', content_type="text/plain").status_code == 403
    assert client.get(at).status_code == 405
    action.refresh_from_db()
    assert (action.assignee_id, action.held_at, action.remarks.count()) == (None, None, 0)
