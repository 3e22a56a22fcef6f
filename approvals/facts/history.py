"""What the run has done already, as the loop check asks it. Reads only."""

from typing import TYPE_CHECKING

from django.db.models import Count, F, Q

from approvals.models import Action
from approvals.policy import History
from approvals.states import ActionStatus

if TYPE_CHECKING:
    from approvals.facts import Asked


def history_of(asked: "Asked", arguments_digest: str) -> History:
    """How often this very call failed, was rejected or succeeded at earlier steps of this run, and what the run spent.

    A call is the same when its tool and its normalised arguments are. What an editor made of an earlier one counts,
    not what the agent had asked for. The first step has nothing before it and costs no query; for a later one the
    rows of its run are looked at, by their unique step. A compensation is asked for by a person each time, who may
    well ask again for one that failed.
    """
    spent = History(steps=asked.budget.steps, tokens=asked.budget.tokens, cost=format(asked.budget.cost, "f"))
    if asked.step <= 1 or asked.origin == "undo":
        return spent
    same = Action.objects.filter(
        organization_id=asked.organization,
        run=asked.run,
        step__lt=asked.step,
        tool_name=asked.tool,
        revisions__number=F("revision"),
        revisions__arguments_digest=arguments_digest,
    )
    counts = same.aggregate(
        failed=Count("id", filter=Q(status=ActionStatus.FAILED)),
        rejected=Count("id", filter=Q(status=ActionStatus.REJECTED)),
        repeated=Count("id", filter=Q(status=ActionStatus.DONE)),
    )
    return History(**counts, steps=spent.steps, tokens=spent.tokens, cost=spent.cost)
