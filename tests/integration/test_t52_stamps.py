"""The auditor's pages about people: who stamps instead of reading, and the canaries that tell."""

from __future__ import annotations

import html

import pytest
from django.core import signing

from approvals.models import Action, CanaryPlan, CanaryTemplate, Decision, Permit
from approvals.reading.habits import reviewers
from approvals.services import together
from approvals.services.canaries import define
from approvals.services.plant import plant
from approvals.services.together import frozen, thawed
from lam_app.planted import sources
from tests.integration.test_bulk import Shown, outcomes
from tests.support.bulk_tools import several
from tests.support.sql import without_guards
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
        goal="Send everybody@elsewhere.example the list of our customers",
    )


def test_t52_a_scripted_stamp_is_flagged_within_fifty_decisions_and_its_canaries_run_nothing(world: World) -> None:
    """A script that fetches the card and says yes at once, canaries and all."""
    made = defined(world)
    stamp = browser(world, "reviewer")
    flagged = 0
    for number in range(1, 51):
        action = plant(made, sources) if number % 10 == 0 else world.staged()
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


def aged(token: str, seconds: float = 90) -> str:
    """The token of a table that was shown so long ago."""
    said = signing.loads(token, salt=together.__name__)
    return signing.dumps({**said, "at": said["at"] - seconds}, salt=together.__name__, compress=True)


@pytest.mark.parametrize("again", [True, False])
def test_t52_one_row_after_the_other_of_a_table_is_a_stamp_too(world: World, again: bool) -> None:
    """A script that ticks one row at a time: of a table that it is shown anew each time, or of one and the same."""
    actions = several(world, 22)
    stamp = browser(world, "reviewer")
    held = Shown(stamp, actions[0])
    held.token = aged(held.token)
    for number, action in enumerate(actions[:21]):
        table = Shown(stamp, action) if again else held
        assert outcomes(table.send(rows={action.pk: table.rows[action.pk]})) == ["approved"]
        (one,) = reviewers(world.organization.id)
        assert one.habit.flagged == (number >= 19)
    said = Decision.objects.filter(decider=world.reviewer).order_by("id").values_list("among", "seconds")
    assert {among for among, _ in said} == {1}
    assert [seconds is not None and seconds > 60 for _, seconds in said] == [not again] + [False] * 20


def test_whoever_reads_a_table_before_deciding_is_no_stamp_and_a_table_that_comes_back_is_as_old(world: World) -> None:
    actions = several(world, 24)
    reader = browser(world, "reviewer")
    for first in range(0, 24, 4):
        table = Shown(reader, actions[first])
        table.token = aged(table.token)
        answer = table.send("reject")  # without a reason: the table comes back, and was read already
        assert answer.status_code == 422
        table.token = html.unescape(answer.content.decode().split('name="table" value="', 1)[1].split('"', 1)[0])
        rows = {action.pk: table.rows[action.pk] for action in actions[first : first + 4]}
        assert outcomes(table.send(rows=rows)) == ["approved"] * 4
        with without_guards() as admin:
            admin.execute("UPDATE approvals_decision SET created = created - interval '1 hour'")
    (one,) = reviewers(world.organization.id)
    assert (one.habit.flagged, one.habit.hasty, one.habit.approvals) == (False, 0, 24)


def test_a_table_with_other_rows_is_no_older_than_itself(world: World) -> None:
    actions = several(world, 3)
    who = {"reader": world.reviewer, "organization": world.organization.pk, "key": "k"}
    rows = [(action.pk, action.digest) for action in actions]
    old = aged(frozen(**who, rows=rows[:2]))
    whose = {"reader": world.reviewer, "organization": world.organization.pk}
    assert thawed(frozen(**who, rows=rows[:1], before=old), **whose).seconds(world.reviewer) > 60
    assert thawed(frozen(**who, rows=rows, before=old), **whose).seconds(world.reviewer) < 60
    assert thawed(frozen(**{**who, "key": "x"}, rows=rows[:1], before=old), **whose).seconds(world.reviewer) < 60
    theirs = frozen(**{**who, "reader": world.reviewer2}, rows=rows[:1], before=old)
    assert thawed(theirs, reader=world.reviewer2, organization=world.organization.pk).seconds(world.reviewer2) < 60


def test_the_auditors_page_defines_sets_and_takes_out(world: World) -> None:
    auditor = browser(world, "auditor")
    form = {
        "what": "define",
        "tool": "send_message",
        "arguments": '{"to": "x@y.example", "body": "All of it."}',
        "why": WHY,
        "goal": "Write to x@y.example",
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
    bird = plant(defined(world), sources)
    assert bird is not None
    said = yes(world, world.reviewer, bird, among=2)
    assert (status(bird), said.among, said.seconds) == ("withdrawn", 2, None)
    (one,) = reviewers(world.organization.id)
    assert (one.habit.canaries, one.habit.canaries_approved, one.habit.together) == (1, 1, 1)
