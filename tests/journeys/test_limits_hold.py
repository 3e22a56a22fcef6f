"""Two scenes that limits are made for: a deletion too many within a minute, and a large sum in small payments."""

from __future__ import annotations

from django.db.models import F

from approvals.models import Action, Tally
from approvals.services.propose import propose
from approvals.tasks import execute_permitted, sign_permits
from lam_app.models import Run
from lam_app.tasks import advance_runs
from tests.support.api import Caller, outside_agent, token_of
from tests.support.model import Script, said, script
from tests.support.paying import calls, decree, euros, payment, set_free
from tests.support.world import World
from tools.models import Note, Tool
from traces.clock import now

__all__ = ["script"]


def worked() -> None:
    """Everybody has done what there was to do."""
    while advance_runs() + sign_permits() + execute_permitted():
        pass


def test_the_50th_deletion_within_a_minute_is_held(world: World, script: Script) -> None:
    """What is counted is what the agent deletes, in whatever runs; this run alone deletes next to nothing."""
    set_free(world, "drop_odd")
    Tool.objects.exclude(name="drop_odd").update(enabled=False)
    decree(world, calls(49, "drop_odd", per="agent", seconds=60))
    for number in range(46):
        assert propose(world.proposal("drop_odd", {"thing": f"record {number}"})).status == "permitted"
    oldest = Tally.objects.earliest("until").until
    Tally.objects.update(until=F("until") + (now() - oldest))  # however long it took here, it was in this minute
    answers = iter(
        said({"kind": "act", "tool": "drop_odd", "arguments": {"thing": f"page {number}"}, "confidence": 0.9})
        for number in range(5)
    )
    script.say = lambda _: (200, next(answers))
    run = world.run("Drop page 0, page 1, page 2, page 3 and page 4")  # what the goal does not say asks a person
    worked()
    assert Run.objects.get(id=run.id).status == "waiting"
    held = Action.objects.get(status="in_review")
    assert (held.run, held.step) == (run.id, 4)
    assert Note.objects.filter(text__startswith="dropped").count() == Action.objects.filter(status="done").count() == 49


def test_a_hundred_payments_under_the_limit_are_held_when_their_total_passes_it(world: World) -> None:
    set_free(world, "pay_odd")
    large = {"id": "large-payments", "about": {"tools": ["pay_odd"]},
             "when": [{"argument": "amount", "compares": ">", "value": 100}]}  # fmt: skip
    decree(world, euros(5000, per="agent"), rules=[large])
    agent = outside_agent(world.organization, world.operator, "pay_odd")
    before = [
        propose(world.proposal("pay_odd", payment("60.50", to=f"account {n}"), agent=agent.id)) for n in range(80)
    ]
    bot = Caller(token_of(world, "operator", "agent", agent))
    asked = ({"tool": "pay_odd", "arguments": payment("60.50", to=f"account {n}")} for n in range(80, 100))
    answers = [bot.post("actions", call) for call in asked]
    assert {answer.status_code for answer in answers} == {202}
    worked()
    came = [*(action.status for action in before), *(answer.json()["status"] for answer in answers)]
    assert came == ["permitted"] * 82 + ["in_review"] * 18
    paid = Note.objects.filter(text__startswith="paid 60.50").count()
    assert (paid, paid * 60.5 <= 5000 < (paid + 1) * 60.5) == (82, True)
    (told,) = [found for found in answers[2].json()["findings"] if found["check"] == "amounts" and found["warning"]]
    assert told["text"] == ("4961 of 5000 EUR in the last day by agent claims-bot; this call would make it 5021.50.")
