"""The planners' work. A message says "look"; which runs are due is read from the rows."""

from celery import shared_task

from lam_app import loop, undo
from tools.presence import present
from tools.progress import go_on
from traces.doorbell import answered, ring


@shared_task(name="lam_app.tasks.advance_runs", ignore_result=True)
def advance_runs() -> int:
    """Take back what is being undone, then advance runs until none is due. Returns how many turns were taken.

    A turn waits on a model, so whoever sees more than one run due calls a colleague before beginning its own.
    """
    answered("lam_app.tasks.advance_runs")
    presence = present("planner")
    turns = 0
    if undo.waits():
        undo.settle()
        for run in undo.due():
            go_on()
            undo.advance(run)
    while due := loop.due():
        taken = 0
        for position, (run, seen) in enumerate(due.items()):
            if position + 1 < len(due):
                ring("lam_app.tasks.advance_runs")
            go_on(2 * loop.PLANNING_SECONDS)  # a turn that is held for too long still hears its model out
            taken += loop.advance(run, presence, seen=seen)
        turns += taken
        if not taken:
            break
    return turns
