"""A run that waits for room, with people or in the memory: it is told once, and the model is not asked meanwhile."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from approvals.services.capacity import full
from lam_app.models import Run
from traces.models import Event
from traces.services import Actor, Entry, record

DESK_SECONDS: Final = 10.0
"""How long a run waits before it looks at the desk again."""
DESK: Final = "desk_full"
"""People have enough before them."""
MEMORY: Final = "memory_full"
"""As much is remembered of the organization's model calls today as may be."""
WAITS: Final = frozenset({DESK, MEMORY})


@dataclass(frozen=True)
class Whose:
    """Whose requests a run would add to."""

    organization: UUID
    initiator: UUID
    agent: UUID
    origin: str = "planner"


def tell(run: Run, why: str, verb: str = DESK) -> None:
    """Write down that a run waits for room, and why; once for as long as nothing else happens to it."""
    if _told(run, verb):
        return
    record(
        Entry(
            organization=run.organization_id,
            actor=Actor.system("planner"),
            verb=verb,
            subject_kind="run",
            subject=run.id,
            reason=why,
            run=run.id,
        )
    )


def still_full(run: Run) -> bool:
    """Whether a run was told that the desk is full, and it is so still."""
    return _told(run, DESK) and bool(full(Whose(run.organization_id, run.initiator_id, run.agent_id)))


def _told(run: Run, verb: str) -> bool:
    """Whether the run's last event says that it waits for this."""
    last = Event.objects.within(run.organization_id).filter(run=run.pk).order_by("-id").first()
    return last is not None and last.verb == verb
