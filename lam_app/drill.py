"""A drill of an inverse: a call that is made in order to be taken back, on the same road as every other.

Nothing here permits or calls. The drill is a run of a person's whose one step is ruled, approved and executed like
any other; no model is asked, so the run stands with its step and says what to do next. Whoever drills then asks for
it to be taken back, and the ledger's record of that is what proves the inverse.
"""

import uuid
from typing import Any

from django.db import transaction

from accounts.actors import person
from accounts.models import User
from approvals.models import Action
from approvals.reading.inverses import Inverse
from approvals.services.propose import Proposal, propose
from lam_app.exceptions import NothingToUndo
from lam_app.models import Run
from lam_app.runs import submit
from lam_app.states import RunStatus
from traces.canonical import JSON
from traces.services import Entry, move, record


def exercise(*, actor: User, organization: uuid.UUID, inverse: Inverse, arguments: dict[str, JSON]) -> Action:
    """Propose a tool's call for a person, in a run that says that it is a drill. The gate decides as ever.

    Raises NothingToUndo for an inverse that could not be called, and what ``submit`` and ``propose`` raise.
    """
    tool, contract = inverse.tool, inverse.contract
    if inverse.gaps:
        raise NothingToUndo(f"{tool.name} could not be taken back: {'; '.join(inverse.gaps)}.")
    with transaction.atomic():
        run = submit(
            initiator=actor,
            organization=organization,
            goal=f"Drill: {tool.name}, to be taken back by {contract.inverse}",
        )
        by = person(actor)
        says = f"A drill. Once step 1 is done, ask for it to be taken back: that proves {contract.inverse}."
        move(Run, [run.id], RunStatus.SUBMITTED, RunStatus.PLANNING, actor=by, verb="drill", changes={"step": 1})
        move(
            Run,
            [run.id],
            RunStatus.PLANNING,
            RunStatus.NEEDS_HUMAN,
            actor=by,
            verb="needs_human",
            reason=says,
            changes={"problem": says},
        )
        action = propose(
            Proposal(
                organization=organization,
                run=run.id,
                step=1,
                origin="planner",
                initiator=actor.pk,
                agent=run.agent_id,
                principals=(actor.pk, run.agent.owner_id),
                tool=tool.name,
                arguments=arguments,
                reasoning=f"A drill, asked for by {actor.username}: this call is made in order to be taken back.",
            )
        )
        _remember(organization, actor, action.id, run.id, {"tool": tool.name, "inverse": contract.inverse})
    return action


def drilled(*, actor: User, organization: uuid.UUID, found: list[Inverse]) -> None:
    """Remember that somebody looked at these inverses, and what was known of each."""
    detail = {
        one.tool.name: {
            "inverse": one.contract.inverse,
            "gaps": list(one.gaps),
            "proven": one.proof.at.isoformat() if one.proof else None,
        }
        for one in found
    }
    _remember(organization, actor, organization, None, {"inverses": detail})


def _remember(
    organization: uuid.UUID, actor: User, subject: uuid.UUID, run: uuid.UUID | None, detail: dict[str, Any]
) -> None:
    record(
        Entry(
            organization=organization,
            actor=person(actor),
            verb="inverse_drill",
            subject_kind="action" if run else "organization",
            subject=subject,
            run=run,
            detail=detail,
        )
    )
