"""The drill of inverses: what could be taken back, when that was last proven, and no way around the gate."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from approvals.models import Action
from approvals.reading.inverses import inverses, last_proven
from approvals.tasks import execute_permitted, sign_permits
from lam_app import undo
from lam_app.loop import due
from lam_app.models import Run
from tests.support.tools import reset
from tests.support.world import World, approved
from tools.models import Execution, Note, Tool, ToolVersion
from traces.models import Event, EventDetail


@pytest.fixture(autouse=True)
def obedient() -> None:
    reset()


def drill(*words: str, by: str = "operator") -> list[str]:
    """Run the command; its lines."""
    out = StringIO()
    call_command("drill", "inverses", "--organization", "demo", "--as", by, *words, stdout=out)
    return out.getvalue().splitlines()


def said_of(name: str, *words: str) -> str:
    """The line about one tool."""
    (line,) = [line for line in drill(*words) if line.startswith(f"{name} ")]
    return line


def exercised(tmp_path: Path, **arguments: object) -> Action:
    """Exercise `put_odd` with these arguments; its action."""
    file = tmp_path / "arguments.json"
    file.write_text(json.dumps(arguments))
    said = drill("--tool", "put_odd", "--exercise", str(file))
    return Action.objects.get(run=said[-1].removeprefix("run "))


def carried_out(world: World, action: Action) -> None:
    """Approve, sign and execute."""
    approved(world, Action.objects.get(id=action.id))
    sign_permits()
    execute_permitted()


def proven(world: World, tmp_path: Path) -> Action:
    """A drill all the way: the call, and what takes it back."""
    action = exercised(tmp_path, thing="cup")
    carried_out(world, action)
    back = undo.undo_step(
        actor=world.operator, organization=world.organization.id, run_id=action.run, step=1, reason="The drill."
    )
    carried_out(world, back)
    undo.settle()
    return back


def test_a_tool_that_was_never_taken_back_is_never_proven(world: World) -> None:
    assert said_of("put_odd") == (
        "put_odd is undone by take_odd: NEVER PROVEN, and only a drill can tell, since its answer is not described"
    )
    assert not any(line.startswith("lend_odd") for line in drill())


def test_an_inverse_that_is_not_in_the_catalogue_or_is_off_is_said(world: World) -> None:
    Tool.objects.filter(organization=world.organization, name="take_odd").update(enabled=False)
    assert said_of("put_odd").endswith("IT COULD NOT BE, take_odd is switched off")
    Tool.objects.filter(organization=world.organization, name="take_odd").update(enabled=True, forbidden=True)
    assert said_of("put_odd").endswith("IT COULD NOT BE, take_odd is forbidden")
    Tool.objects.filter(organization=world.organization, name="take_odd").update(version=None)
    assert said_of("put_odd").endswith("IT COULD NOT BE, take_odd is not in the catalogue")


def test_an_exercise_is_an_ordinary_call_that_waits_for_people(world: World, tmp_path: Path) -> None:
    action = exercised(tmp_path, thing="cup")
    run = Run.objects.get(id=action.run)
    assert (action.status, action.origin, action.tool_name) == ("in_review", "planner", "put_odd")
    assert world.operator.id in action.principals
    assert run.goal.startswith("Drill: put_odd")
    assert (run.status, run.step) == ("needs_human", 1)
    sign_permits()
    execute_permitted()
    assert not Note.objects.exists()


def test_no_model_is_asked_about_a_drill(world: World, tmp_path: Path) -> None:
    carried_out(world, exercised(tmp_path, thing="cup"))
    assert not due()


def test_a_drill_proves_the_inverse_and_the_ledger_says_when(world: World, tmp_path: Path) -> None:
    back = proven(world, tmp_path)
    ledger = Execution.objects.get(action=back.id)
    tool = world.tool("put_odd")
    proof = last_proven(world.organization.id, [tool.id])[tool.id]
    assert (proof.at, proof.run) == (ledger.finished_at, back.run)
    assert said_of("put_odd").endswith(f"UTC in run {back.run}")
    assert said_of("put_odd", "--days", "0").endswith("MORE THAN 0 DAYS AGO")
    assert last_proven(world.elsewhere.id, [tool.id]) == {}


def test_a_compensation_that_was_not_done_proves_nothing(world: World, tmp_path: Path) -> None:
    action = exercised(tmp_path, thing="cup")
    carried_out(world, action)
    assert "NEVER PROVEN" in said_of("put_odd")
    back = undo.undo_step(
        actor=world.operator, organization=world.organization.id, run_id=action.run, step=1, reason="The drill."
    )
    approved(world, Action.objects.get(id=back.id))
    assert "NEVER PROVEN" in said_of("put_odd")


def test_what_an_earlier_version_proved_is_said_to_be_of_that_version(world: World, tmp_path: Path) -> None:
    proven(world, tmp_path)
    tool = world.tool("put_odd")
    was = tool.version
    assert was is not None
    later = ToolVersion.objects.create(
        organization_id=was.organization_id, tool=tool, number=2, hash="sha256:2", contract=was.contract
    )
    Tool.objects.filter(id=tool.id).update(version=later)
    assert said_of("put_odd").endswith("BUT ON VERSION 1, and version 2 is offered")


def test_every_drill_is_remembered(world: World, tmp_path: Path) -> None:
    drill()
    looked = Event.objects.get(verb="inverse_drill")
    assert (looked.subject, looked.actor) == (world.organization.id, world.operator.id)
    detail = json.loads(EventDetail.objects.get(event=looked.id).detail)
    assert detail["inverses"]["put_odd"] == {"inverse": "take_odd", "gaps": [], "proven": None}
    action = exercised(tmp_path, thing="cup")
    assert Event.objects.get(verb="inverse_drill", subject=action.id).run == action.run


@pytest.mark.parametrize(
    ("words", "by", "complaint"),
    [
        (["--tool", "lend_odd"], "operator", "no tool called lend_odd that can be undone"),
        (["--exercise", "missing.json"], "operator", "say with --tool which one"),
        (["--tool", "put_odd", "--exercise", "missing.json"], "operator", "missing.json"),
        ([], "outsider", "no active member called outsider"),
        ([], "nobody", "no active member called nobody"),
    ],
)
def test_what_it_cannot_do_it_says(world: World, words: list[str], by: str, complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        drill(*words, by=by)


def test_only_operators_exercise_and_only_what_could_be_taken_back(world: World, tmp_path: Path) -> None:
    file = tmp_path / "arguments.json"
    file.write_text('{"thing": "cup"}')
    with pytest.raises(CommandError, match="Only operators"):
        drill("--tool", "put_odd", "--exercise", str(file), by="reviewer")
    file.write_text("[]")
    with pytest.raises(CommandError, match="no JSON object"):
        drill("--tool", "put_odd", "--exercise", str(file))
    Tool.objects.filter(organization=world.organization, name="take_odd").update(enabled=False)
    file.write_text('{"thing": "cup"}')
    with pytest.raises(CommandError, match="put_odd could not be taken back: take_odd is switched off"):
        drill("--tool", "put_odd", "--exercise", str(file))
    assert not Run.objects.exists()


def test_the_tool_s_page_says_when_its_inverse_was_last_proven(world: World, tmp_path: Path) -> None:
    page = Client()
    page.force_login(world.administrator, backend="allauth.account.auth_backends.AuthenticationBackend")
    where = f"/tools/{world.tool('put_odd').pk}/"
    assert "has not been proven yet" in page.get(where).content.decode()
    back = proven(world, tmp_path)
    assert str(back.run) in page.get(where).content.decode()
    assert "Undone by" not in page.get(f"/tools/{world.tool('lend_odd').pk}/").content.decode()


def test_however_many_tools_there_are_it_reads_twice(world: World, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert len(inverses(world.organization.id)) >= 1
