"""A goal from the command line: it becomes a run, and what is wrong with it is said in a sentence."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from lam_app.models import Run
from tests.support.world import World


def test_a_goal_from_the_shell_becomes_a_run_and_its_id_is_the_last_word(world: World) -> None:
    out = StringIO()
    call_command("submit", "Refund order 1009", "--as", "operator", stdout=out)
    run = Run.objects.get()
    assert (run.goal, run.initiator_id) == ("Refund order 1009", world.operator.pk)
    assert out.getvalue().split()[-1] == str(run.id)


@pytest.mark.parametrize(
    ("goal", "name", "says"),
    [("", "operator", "goal"), ("Refund order 1009", "nobody", "no active member called nobody")],
)
def test_what_is_wrong_with_it_is_said_and_nothing_is_submitted(world: World, goal: str, name: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("submit", goal, "--as", name)
    assert not Run.objects.exists()
