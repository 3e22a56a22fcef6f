"""What is held stays while an erasure goes on, and what was erased is in no file either."""

from pathlib import Path

import pytest

from lam_app.attachments.files import Upload, read_all
from lam_app.erasing import erase, erase_due
from lam_app.keeping import hold, lift
from lam_app.models import Run
from lam_app.runs import cancel, submit
from lam_app.sealing import working
from lam_app.tasks import advance_runs
from tests.integration.test_erasing import WORD, WORLD, agreed, everywhere, lived
from tests.support.model import Script, note, only_notes, said, script  # noqa: F401 - a fixture
from tests.support.racing import acting_as
from tests.support.sealing import Seal, seal_in
from tests.support.world import World
from traces.inquiries import evidence, pieces
from traces.inquiry import Inquiry
from traces.models import Event, EventDetail
from traces.services import Actor


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return seal_in(tmp_path)


def details(**of: object) -> int:
    """How many details of such events there are."""
    return EventDetail.objects.filter(event__in=list(Event.objects.filter(**of).values_list("pk", flat=True))).count()


def test_a_hold_on_whoever_decided_wins_over_the_erasure_of_whoever_asked(
    world: World,
    script: Script,  # noqa: F811
) -> None:
    run = lived(world, script)
    held = hold(world.organization, "person", world.reviewer.pk, by=world.auditor, reason="a lawsuit")
    before = details(run=run.pk, actor=world.reviewer.pk)
    one = agreed(world)
    erase_due()
    one.refresh_from_db()
    assert details(run=run.pk, actor=world.reviewer.pk) == before > 0
    assert (one.done_at, WORD in Run.objects.get(pk=run.pk).goal) == (None, True)
    lift(held, by=world.auditor, reason="settled")
    erase_due()
    one.refresh_from_db()
    assert one.done_at is not None
    assert everywhere(but=WORLD) == {}


def test_a_hold_that_is_set_between_two_slices_keeps_what_is_left_of_the_run(
    world: World,
    script: Script,  # noqa: F811
) -> None:
    run = lived(world, script)
    one = agreed(world)
    erase(one.pk, most=2, turns=1)
    held = hold(world.organization, "run", run.pk, by=world.auditor, reason="a lawsuit")
    before = details(run=run.pk)
    erase_due()
    one.refresh_from_db()
    assert (details(run=run.pk), one.done_at) == (before, None)
    lift(held, by=world.auditor, reason="settled")
    erase_due()
    one.refresh_from_db()
    assert one.done_at is not None
    assert details(run=run.pk) < before


def test_a_goal_in_the_words_of_an_erased_one_is_erased_as_well(world: World, script: Script) -> None:  # noqa: F811
    only_notes(world)
    script.say = lambda _: (200, said(note(f"Call {WORD}")))
    run = submit(
        initiator=world.operator,
        organization=world.organization.id,
        goal="[erased]",
        attached=read_all([Upload("letter.txt", f"Please call {WORD} back.".encode())]),
        context={"customer": WORD},
    )
    advance_runs()
    cancel(actor=world.administrator, organization=world.organization.id, run_id=run.pk, reason="they left")
    assert {"lam_app_run", "lam_app_content", "approvals_revision"} <= set(everywhere(but=WORLD))
    agreed(world)
    erase_due()
    assert everywhere(but=WORLD) == {}


def test_what_was_erased_is_fetched_in_no_archive_that_was_made_before(
    world: World,
    script: Script,  # noqa: F811
    seal: Seal,
) -> None:
    run = lived(world, script)
    reader = Actor("person", world.auditor.pk, "auditor")
    asked = evidence(world.organization.pk, subject_kind="run", subject=run.pk, by=reader)
    seal.passes()
    with acting_as("worker"):
        work = working(seal.key, seal.public, seal.outside)
        while work.go_on(30):
            pass
    assert WORD.encode() in b"".join(pieces(asked.pk))
    agreed(world)
    with acting_as("worker"):
        erase_due()
    assert list(pieces(asked.pk)) == []
    assert Inquiry.objects.get(pk=asked.pk).state == "done"
