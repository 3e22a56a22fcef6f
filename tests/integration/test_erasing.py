"""Erasing a person: two say so, what is over is emptied, what is in flight or held waits, the record is intact."""

import dataclasses
from pathlib import Path
from typing import Any

import psycopg
import pytest

from accounts.exceptions import ChangeRefused, MayNotAdminister, NotOfThisOrganization, NotOneself
from accounts.models import User
from approvals.models import Action, Revision
from approvals.services.comment import comment
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from lam_app.attachments.files import Upload, read_all
from lam_app.erasing import ask, confirm, erase, erase_due, preview, withdraw
from lam_app.keeping import hold, lift
from lam_app.models import Erasure, Run
from lam_app.runs import cancel, submit
from lam_app.tasks import advance_runs
from tests.support.dumping import found
from tests.support.model import Script, finish, note, only_notes, said
from tests.support.sealing import Seal, lines, seal_in
from tests.support.sql import NO_RIGHT, REFUSED, refusal, speaking_as
from tests.support.standing_alone import loaded
from tests.support.voting import signed_in
from tests.support.world import World, approved
from traces.models import Event, EventDetail, Trace

WORD = "Quillfeather"
WORLD = frozenset({"tools_note"})
"""Where the word may stand: what the world was told is not ours to take back."""


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return seal_in(tmp_path)


def lived(world: World, model: Script, *, ends: bool = True, file: str = "letter.txt") -> Run:
    """A run of the operator's that names somebody in every place: goal, file, arguments, prompt, answer, remark."""
    only_notes(world)
    left = iter([note(f"Call {WORD}"), finish(f"I noted {WORD}.")])
    model.say = lambda _: (200, said(next(left)))
    run = submit(
        initiator=world.operator,
        organization=world.organization.id,
        goal=f"Write a note about order 1009: {WORD}",
        attached=read_all([Upload(file, f"Please call {WORD} back.".encode())]),
        context={"customer": WORD},
    )
    advance_runs()
    action = Action.objects.get(run=run.pk, status="in_review")
    comment(actor=world.reviewer, organization=world.organization.id, action_id=action.pk, text=f"{WORD} is right.")
    if ends:
        approved(world, action)
        sign_permits()
        execute_permitted()
        advance_runs()
        run.refresh_from_db()
        assert run.status == "succeeded"
    return run


def agreed(world: World) -> Erasure:
    """An erasure of the operator that two have said yes to."""
    one = ask(world.organization, world.operator, by=world.administrator, reason="they asked for it")
    confirm(one, by=world.auditor, reason="I have read their letter")
    return one


def everywhere(**more: Any) -> dict[str, list[str]]:
    with speaking_as("admin") as admin:
        return found(admin, WORD, **more)


def test_what_a_person_said_is_gone_from_every_table_and_both_verifiers_find_the_record_intact(
    world: World,
    script: Script,
    seal: Seal,
) -> None:
    run = lived(world, script)
    seal.passes()
    before = everywhere()
    assert {
        "lam_app_run", "lam_app_step", "lam_app_content", "approvals_revision", "approvals_action", "approvals_remark",
         "traces_promptpart", "lam_app_report", "tools_note",
    } <= set(before)  # fmt: skip
    one = agreed(world)
    gone = erase_due()
    seal.passes()
    one.refresh_from_db()
    assert (one.done_at is not None, one.runs, one.details, one.waits) == (True, 1, gone, 0)
    assert gone > 5
    assert everywhere(but=WORLD) == {}
    assert not Trace.objects.filter(run=run.pk).exists()
    report = seal.report(world.organization.id)
    other = loaded()
    said_of_it = other.verify(lines(world.organization.id), other.keys_in(seal.public), {})
    assert (report.problems, said_of_it.wrong) == ([], [])
    assert report.erased == said_of_it.erased == gone


def test_the_account_loses_its_name_and_nobody_signs_in_with_it(world: World, script: Script) -> None:
    lived(world, script)
    browser = signed_in(world, "operator")
    assert browser.get("/runs/").status_code == 200
    agreed(world)
    erase_due()
    person = User.objects.get(pk=world.operator.pk)
    assert person.username == f"erased-{str(person.pk)[-12:]}"
    assert (person.email, person.first_name, person.is_active, person.has_usable_password()) == ("", "", False, False)
    assert browser.get("/runs/").status_code == 302
    assert person.memberships.get().roles == []


def test_pages_of_what_was_erased_still_open_and_show_nothing_of_it(world: World, script: Script) -> None:
    run = lived(world, script)
    action = Action.objects.get(run=run.pk)
    agreed(world)
    erase_due()
    for name in ("auditor", "administrator", "reviewer"):
        browser = signed_in(world, name)
        for path in (
            f"/actions/{action.pk}/", f"/runs/{run.pk}/", f"/runs/{run.pk}/report/", "/runs/", "/audit/", "/feed/",
            f"/actions/{action.pk}/trace/",
        ):  # fmt: skip
            answer = browser.get(path)
            assert answer.status_code in {200, 302, 403, 404}, (name, path)
            assert WORD.encode() not in answer.content, (name, path)
        assert browser.get(f"/actions/{action.pk}/").status_code == 200


def test_what_was_decided_and_by_whom_stays_known(world: World, script: Script) -> None:
    run = lived(world, script)
    before = Revision.objects.get(action__run=run.pk)
    agreed(world)
    erase_due()
    after = Revision.objects.get(pk=before.pk)
    assert (after.digest, after.arguments_digest) == (before.digest, before.arguments_digest)
    assert after.arguments == "{}"
    action = Action.objects.get(run=run.pk)
    assert (action.status, action.decisions.get().decider) == ("done", world.reviewer)


def test_a_run_in_flight_is_not_touched_until_it_is_over(world: World, script: Script) -> None:
    run = lived(world, script, ends=False)
    assert preview(world.organization, world.operator).flying == 1
    one = agreed(world)
    erase_due()
    one.refresh_from_db()
    assert (one.done_at, one.runs, one.waits) == (None, 0, 1)
    assert WORD in Run.objects.get(pk=run.pk).goal
    world.operator.refresh_from_db()
    assert world.operator.is_active is False
    cancel(actor=world.administrator, organization=world.organization.id, run_id=run.pk, reason="the person left")
    erase_due()
    one.refresh_from_db()
    assert (one.done_at is not None, one.runs, one.waits) == (True, 1, 0)
    assert everywhere(but=WORLD) == {}


def test_what_is_told_beforehand_is_what_goes(world: World, script: Script) -> None:
    lived(world, script)
    outside = world.staged("write_note", {"text": WORD, "about": "order 1009"})
    before = preview(world.organization, world.operator)
    assert (before.runs, before.flying, before.held, before.files) == (2, 1, 0, 1)
    where = world.organization.id
    reject(actor=world.reviewer, organization=where, action_id=outside.pk, digest=outside.digest, reason="not now")
    would = preview(world.organization, world.operator)
    assert (would.runs, would.flying, would.calls) == (2, 0, Trace.objects.count())
    one = agreed(world)
    assert preview(world.organization, world.operator) == would
    erase_due()
    one.refresh_from_db()
    assert (one.done_at is not None, one.runs, one.details) == (True, would.runs, would.details)
    assert not Trace.objects.exists()
    assert set(dataclasses.astuple(preview(world.organization, world.operator))) == {0}


def test_what_would_go_is_told_within_the_organization_alone(world: World, as_web: psycopg.Connection[Any]) -> None:
    asked = "SELECT * FROM lam_app_would_go(%s, %s)"
    assert refusal(as_web, asked, [world.organization.pk, world.operator.pk]) == ("", "")
    assert refusal(as_web, asked, [world.elsewhere.pk, world.outsider.pk])[0] == REFUSED


@pytest.mark.parametrize("kind", ["organization", "run", "person"])
def test_a_hold_wins_over_an_erasure_until_it_is_lifted(kind: str, world: World, script: Script) -> None:
    run = lived(world, script)
    target = {"organization": world.organization.pk, "run": run.pk, "person": world.operator.pk}[kind]
    held = hold(world.organization, kind, target, by=world.auditor, reason="a lawsuit")
    assert preview(world.organization, world.operator).held == 1
    one = agreed(world)
    erase_due()
    one.refresh_from_db()
    assert one.done_at is None
    assert WORD in Run.objects.get(pk=run.pk).goal
    lift(held, by=world.auditor, reason="settled")
    erase_due()
    one.refresh_from_db()
    assert one.done_at is not None


def test_two_people_say_so_and_neither_is_the_one_to_be_erased(world: World) -> None:
    where = world.organization
    for by, whom, reason, expected in (
        (world.auditor, world.operator, "why", MayNotAdminister),
        (world.administrator, world.administrator, "why", NotOneself),
        (world.administrator, world.operator, "", ChangeRefused),
        (world.administrator, world.outsider, "why", NotOfThisOrganization),
    ):
        with pytest.raises(expected):
            ask(where, whom, by=by, reason=reason)
    one = ask(where, world.auditor, by=world.administrator, reason="why")
    for by, expected in (
        (world.administrator, NotOneself),
        (world.auditor, NotOneself),
        (world.reviewer, MayNotAdminister),
        (world.outsider, MayNotAdminister),
    ):
        with pytest.raises(expected):
            confirm(one, by=by, reason="yes")
    assert erase(one.pk) == 0
    withdraw(one, by=world.administrator, reason="a mistake")
    with pytest.raises(ChangeRefused):
        withdraw(one, by=world.administrator, reason="again")
    assert not Erasure.objects.to_do().exists()


def test_the_database_itself_asks_for_two(world: World, as_web: psycopg.Connection[Any]) -> None:
    one = ask(world.organization, world.operator, by=world.administrator, reason="why")
    said_so = "UPDATE lam_app_erasure SET confirmed_by_id = %s, confirmed_at = now() WHERE id = %s"
    for who in (world.administrator, world.operator, world.reviewer):
        assert refusal(as_web, said_so, [who.pk, one.pk])[0] == REFUSED
    assert "no event tells of it" in refusal(as_web, said_so, [world.auditor.pk, one.pk])[1]
    assert refusal(as_web, "UPDATE lam_app_erasure SET done_at = now() WHERE id = %s", [one.pk])[0] == NO_RIGHT
    assert refusal(as_web, "SELECT * FROM lam_app_erase(%s, 10)", [one.pk])[0] == NO_RIGHT
    with speaking_as("owner") as owner:
        assert refusal(owner, "UPDATE lam_app_erasure SET runs = 3 WHERE id = %s", [one.pk])[0] == REFUSED
        assert refusal(owner, "DELETE FROM lam_app_erasure")[0] == REFUSED


def test_the_owner_empties_no_run_by_hand(world: World, script: Script) -> None:
    lived(world, script)
    with speaking_as("owner") as owner:
        for table, column in (
            ("approvals_revision", "arguments = '{}'"), ("lam_app_run", "goal = 'x'"), ("lam_app_step", "intent = ''"),
            ("approvals_remark", "text = 'x'"), ("lam_app_content", "text = ''"), ("tools_execution", "key = 'x'"),
            ("approvals_action", "reasoning = 'x'"), ("approvals_action", "summary = 'x'"),
        ):  # fmt: skip
            assert refusal(owner, f"UPDATE {table} SET {column}")[0] == REFUSED, table
        assert refusal(owner, "DELETE FROM lam_app_content")[0] == REFUSED


def test_an_event_tells_of_it_and_repeats_nothing_of_what_went(world: World, script: Script) -> None:
    lived(world, script)
    agreed(world)
    erase_due()
    told = Event.objects.filter(organization=world.organization.id, verb__startswith="erasure_").order_by("id")
    verbs = [one.verb for one in told]
    assert verbs[:2] == ["erasure_asked", "erasure_confirmed"]
    assert {"erasure_forgot", "erasure_done"} <= set(verbs)
    details = EventDetail.objects.filter(event__in=[one.pk for one in told]).values_list("detail", flat=True)
    assert all(WORD not in detail and "operator" not in detail for detail in details)


def test_somebody_elses_runs_and_words_are_left_alone(world: World, script: Script) -> None:
    lived(world, script)
    other = ask(world.organization, world.developer, by=world.administrator, reason="they left")
    confirm(other, by=world.auditor, reason="yes")
    before = everywhere()
    erase_due()
    other.refresh_from_db()
    assert other.done_at is not None
    assert everywhere() == before


def test_what_the_reason_of_an_event_quoted_stays_in_its_sealed_envelope_and_nowhere_else(
    world: World,
    script: Script,
) -> None:
    lived(world, script, file=f"{WORD}.txt")
    agreed(world)
    erase_due()
    left = Event.objects.filter(reason__contains=WORD)
    assert {one.verb for one in left} == {"ruled"}
    assert {table for table in everywhere(but=WORLD) if not table.startswith("traces_event_2")} == set()
