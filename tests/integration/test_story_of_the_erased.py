"""What was erased, or is gone otherwise, is said to be gone by the story of a run and by the comparison."""

from __future__ import annotations

from typing import Any

from accounts.roles import Role
from lam_app.comparing import Compared, compare
from lam_app.erasing import erase_due
from lam_app.models import Run
from lam_app.seed import create_person
from lam_app.trail import trail
from tests.integration.test_erasing import agreed, lived
from tests.integration.test_run_story import text, walked
from tests.support.model import Script, finish, note
from tests.support.sealing import tamper
from tests.support.world import PASSWORD, World


def rows(found: Compared) -> dict[str, tuple[str, str, bool]]:
    every = [*found.rows, *(row for pair in found.pairs for row in pair.rows)]
    return {row.name: (row.a, row.b, row.differs) for row in every}


def test_a_story_says_that_its_model_calls_were_erased_and_not_that_there_were_none(
    world: World, script: Script, page: Any
) -> None:
    run = lived(world, script)
    agreed(world)
    erase_due()
    said = text(page, "auditor", f"/audit/runs/{run.pk}/")
    assert "<dt>Model calls</dt><dd>Erased</dd>" in said
    assert "<dt>Tokens</dt>" not in said
    assert "was erased for a person’s sake" in said
    assert trail(Run.objects.get(pk=run.pk), told=False).gone == ""


def test_a_comparison_with_a_run_that_was_erased_makes_no_difference_of_it(
    world: World, script: Script, page: Any
) -> None:
    first = lived(world, script)
    agreed(world)
    erase_due()
    second = create_person(world.organization, "second", roles=(Role.OPERATOR,), tier="write", password=PASSWORD)
    world.people["operator"] = second
    other = walked(world, script, [note("Call back"), finish("I noted it.")])
    a, b = (trail(Run.objects.get(pk=one.pk), told=True) for one in (first, other))
    found = rows(compare(a, b))
    assert found["Model"] == ("Erased", b.calls[0].call.model, False)
    assert found["Model calls"] == ("Erased", str(len(b.calls)), False)
    assert (found["Goal"][0], found["Goal"][2]) == ("Erased", False)
    assert all(one[2] is False for name, one in found.items() if "Erased" in one)
    assert found["Ended"][2] is False
    assert found["Ended"][0] == found["Ended"][1] != "Erased"
    assert "Erased" in text(page, "auditor", f"/audit/compare/?a={first.pk}&b={other.pk}")


def test_calls_that_are_gone_without_an_erasure_are_said_to_be_and_not_why(
    world: World, script: Script, page: Any
) -> None:
    run = lived(world, script)
    assert tamper("DELETE FROM traces_trace WHERE run = %s", run.pk) > 0
    assert "<dt>Model calls</dt><dd>Gone</dd>" in text(page, "auditor", f"/audit/runs/{run.pk}/")


def test_a_run_whose_model_was_never_asked_has_no_calls_and_says_so(world: World, page: Any) -> None:
    run = world.run()
    assert "<dt>Model calls</dt><dd>0</dd>" in text(page, "auditor", f"/audit/runs/{run.pk}/")
