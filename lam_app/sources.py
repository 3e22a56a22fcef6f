"""What the agent of a run was told, and by whom: where the values of its next call can come from. Pure."""

from datetime import date
from typing import Final

from approvals.policy import Origin, Source
from lam_app.planner.intent import Act, PlannerContext, StepSeen
from lam_app.planner.provenance import Told, answered, origins, said

GOAL: Final = "the goal"


def origins_of(act: Act, seen: PlannerContext) -> tuple[Origin, ...]:
    """Where each value of a proposed call comes from, judged by what the agent had seen when it proposed it."""
    schema = next((tool.schema for tool in seen.tools if tool.name == act.tool), {})
    return origins(act.arguments, told(seen), schema)


def told(seen: PlannerContext) -> list[Told]:
    """Every text behind a model call, each as the word of whoever said it.

    What the agent itself wrote (its questions, its plan, its reasons) is nobody's word, and neither is what a reviewer
    asked: an answer of "yes" to an address does not make the address the initiator's.
    """
    today = date.fromisoformat(seen.today)
    texts = [
        said(Source.GOAL, GOAL, seen.goal, today),
        said(Source.GOAL, "the corrected goal", seen.corrected, today),
        *(said(Source.GOAL, f"an answer of {seen.initiator}", text, today) for text in seen.answers),
        said(Source.RECORD, "the date", seen.today, today),
        said(Source.RECORD, "who asked", seen.initiator, today),
    ]
    # A name is as much the sender's as what stands in the file.
    texts += [said(Source.OUTSIDE, f"attachment {one.name}", f"{one.name}\n{one.text}", today) for one in seen.attached]
    for step in seen.steps:
        texts += _of_step(step, today)
    return [one for one in texts if one.says.text]


def _of_step(step: StepSeen, today: date) -> list[Told]:
    """What one step brought: its tool's answer, believed where the tool's output is, and its error, which never is."""
    name = f"step {step.number}, {step.tool}"
    found = []
    if step.result is not None:
        whose = Source.RECORD if step.trusted else Source.OUTSIDE
        found.append(answered(whose, name, step.result, step.arguments, today))
    if step.error:
        found.append(answered(Source.OUTSIDE, f"the error of {name}", step.error, {}, today))
    return found
