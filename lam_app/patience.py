"""A run that waits because people have enough before them: it is told once, and the model is not asked meanwhile."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from approvals.services.capacity import full
from lam_app.models import Run
from traces.models import Event
from traces.services import Actor, Entry, record

DESK_SECONDS: Final = 10.0
"""How long a run waits before it looks at the desk again."""
VERB: Final = "desk_full"


@dataclass(frozen=True)
class Whose:
    """Whose requests a run would add to."""

    organization: UUID
    initiator: UUID
    agent: UUID
    origin: str = "planner"


def tell(run: Run, why: str) -> None:
    """Write down that a run waits for room at the desk, and why; once for as long as nothing else happens to it."""
    if _told(run):
        return
    record(
        Entry(
            organization=run.organization_id,
            actor=Actor.system("planner"),
            verb=VERB,
            subject_kind="run",
            subject=run.id,
            reason=why,
            run=run.id,
        )
    )


def still_full(run: Run) -> bool:
    """Whether a run was told that the desk is full, and it is so still."""
    return _told(run) and bool(full(Whose(run.organization_id, run.initiator_id, run.agent_id)))


def _told(run: Run) -> bool:
    """Whether the run's last event says that the desk is full."""
    last = Event.objects.within(run.organization_id).filter(run=run.pk).order_by("-id").first()
    return last is not None and last.verb == VERB
