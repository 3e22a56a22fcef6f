"""The auditor's pages about people: who stamps instead of reading, and the canaries that tell."""

from __future__ import annotations

import pytest

from approvals.models import Action, CanaryPlan, CanaryTemplate, Permit
from approvals.reading.habits import reviewers
from approvals.services.canaries import define
from approvals.services.plant import plant
from tests.support.voting import browser, decide, shown_token, status, yes
from tests.support.world import World
from tools.models import Execution

WHY = "The recipient is nobody's customer."


def defined(world: World) -> CanaryTemplate:
    """A canary as the auditor defines it."""
    return define(
        by=world.auditor,
        organization=world.organization.id,
        tool="send_message",
        arguments={"to": "everybody@elsewhere.example", "body": "Here are all our customers."},
        why=WHY,
    )


def test_t52_a_scripted_stamp_is_flagged_within_fifty_decisions_and_its_canaries_run_nothing(world: World) -> None:
    """A script that fetches the card and says yes at once, canaries and all."""
    made = defined(world)
    stamp = browser(world, "reviewer")
    flagged = 0
    for number in range(1, 51):
        action = plant(made) if number % 10 == 0 else world.staged()
        assert action is not None
        action.refresh_from_db()
        decide(stamp, action, card=shown_token(stamp, action))
        (one,) = reviewers(world.organization.id)
        if one.habit.flagged:
            flagged = number
            break
    assert 0 < flagged <= 50
    assert one.name == "reviewer"
    assert Action.objects.filter(canary=True).exists()
    for bird in Action.objects.filter(canary=True):
        assert bird.status == "withdrawn"
        assert not Permit.objects.filter(action=bird).exists()
        assert not Execution.objects.filter(action=bird.id).exists()
    page = browser(world, "auditor").get("/audit/people/").content.decode()
    assert "data-flagged" in page
    assert "reviewer" in page


def test_the_auditors_page_defines_sets_and_takes_out(world: World) -> None:
    auditor = browser(world, "auditor")
    form = {
        "what": "define",
        "tool": "send_message",
        "arguments": '{"to": "x@y.example", "body": "All of it."}',
        "why": WHY,
    }
    assert auditor.post("/audit/people/canaries/", form).status_code == 302
    made = CanaryTemplate.objects.get()
    assert (
        auditor.post(
            "/audit/people/canaries/", {"what": "rate", "rate": "2", "reason": "Two in a hundred."}
        ).status_code
        == 302
    )
    assert CanaryPlan.objects.get().rate == pytest.approx(0.02)
    page = auditor.get("/audit/people/canaries/").content.decode()
    assert WHY.replace("'", "&#x27;") in page
    assert "2 % of what reviewers see" in page
    assert auditor.post("/audit/people/canaries/", {"what": "retire", "template": str(made.pk)}).status_code == 302
    assert auditor.post("/audit/people/canaries/", {"what": "retire", "template": str(made.pk)}).status_code == 404


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ({"what": "define", "tool": "send_message", "arguments": "{", "why": "x"}, 422),
        ({"what": "define", "tool": "send_message", "arguments": "[]", "why": "x"}, 422),
        ({"what": "define", "tool": "send_message", "arguments": "{}", "why": "x"}, 422),
        ({"what": "rate", "rate": "6", "reason": "Many."}, 422),
        ({"what": "rate", "rate": "nan", "reason": "Many."}, 422),
        ({"what": "rate", "rate": "lots", "reason": "Many."}, 422),
        ({"what": "retire", "template": "x"}, 400),
        ({"what": "everything"}, 400),
        ({"what": "rate", "rate": "1", "reason": "x", "organization": "other"}, 400),
    ],
)
def test_what_the_auditors_form_cannot_mean_is_refused(world: World, form: dict[str, str], answer: int) -> None:
    assert browser(world, "auditor").post("/audit/people/canaries/", form).status_code == answer
    assert not CanaryTemplate.objects.exists()
    assert not CanaryPlan.objects.exists()


def test_a_yes_in_a_table_ends_one_like_any_other_and_counts_for_the_auditor(world: World) -> None:
    bird = plant(defined(world))
    assert bird is not None
    said = yes(world, world.reviewer, bird, among=2)
    assert (status(bird), said.among, said.seconds) == ("withdrawn", 2, None)
    (one,) = reviewers(world.organization.id)
    assert (one.habit.canaries, one.habit.canaries_approved, one.habit.together) == (1, 1, 1)
