"""The sweep: finds by row state whatever a lost message, a flushed Redis or a killed worker left behind.

It acts only where time alone decides (expiry, leaving, halting), gives back what calls without effect were counted
for, and otherwise rings: the work itself belongs to the roles. Every part is safe to run twice at once and to be
killed anywhere.
"""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings
from django.db import Error, close_old_connections, connection

from approvals.models import Permit
from approvals.services import deliver, notify, preview, previewed, probe, replay
from approvals.services.escalation import escalate_due
from approvals.services.execute import unfinished
from approvals.services.expire import expire
from approvals.services.halt import halt
from approvals.services.hits import count_hits
from approvals.services.leave import leave
from approvals.services.permit import unsigned
from approvals.services.plant import plant_due
from approvals.services.reserve import release_settled
from approvals.states import ActionStatus
from lam_app import loop, orphans, rewind, schedules, undo
from lam_app.planted import sources
from lam_app.supervisor.roles import QUEUES
from lam_app.upkeep import Upkeep
from tools.killswitch import settle_quiet
from tools.presence import bury
from tools.watchdog import Watchdog
from traces import schema
from traces.doorbell import ROUTES, ring, works

logger = logging.getLogger(__name__)
GIVEN_BACK = 200
"""For how many actions one pass gives back what they were counted for."""


def sweep() -> list[str]:
    """One pass. Returns the bells that were rung."""
    bury()
    settle_quiet()
    halt()
    leave()
    expire()
    escalate_due()
    plant_due(sources)
    preview.give_up()
    release_settled(GIVEN_BACK)
    count_hits()
    orphans.hand_over()
    schedules.fire_due()
    notify.running_out()
    rung = []
    for task, waits in WAITS.items():
        if waits():
            ring(task)
            rung.append(task)
    return rung


def _unsigned() -> bool:
    """Permitted actions that no permit was signed for."""
    return bool(unsigned(1))


def _due() -> bool:
    """Runs that the mind has to look at, and effects whose compensation is done."""
    return bool(loop.due(1)) or undo.waits()


def _previewed() -> bool:
    """Answers of tools that nobody has ruled on."""
    return bool(previewed.unruled(1))


def _executable() -> bool:
    """Permits to use, or ledger rows whose claimer is known dead or whose wait is over."""
    return Permit.objects.filter(action__status=ActionStatus.PERMITTED, revoked_at=None).exists() or bool(unfinished(1))


def _to_tell() -> bool:
    """People who are to be told of something, and letters that are to go out."""
    return notify.waits() or deliver.waits()


WAITS: dict[str, Callable[[], bool]] = {
    "approvals.tasks.sign_permits": _unsigned,
    "approvals.tasks.run_previews": preview.waits,
    "approvals.tasks.probe_again": probe.waits,
    "approvals.tasks.rule_previewed": _previewed,
    "approvals.tasks.execute_permitted": _executable,
    "lam_app.tasks.advance_runs": _due,
    "approvals.tasks.replay_policies": replay.waits,
    "approvals.tasks.send_notices": _to_tell,
}
"""Which bell to ring when what is there."""


def _roles_of(tasks: Iterable[str]) -> set[str]:
    """Who does these tasks."""
    queues = {ROUTES[task] for task in tasks}
    return {role for role, queue in QUEUES.items() if queue in queues}


def sign_of_life() -> Path:
    """The file that is touched after every pass; nobody needs to be asked about the sweeper who can see it move."""
    return Path(settings.LAM_HOME) / "run" / "sweep"


def show() -> None:
    """Touch it. A file that cannot be written says nothing about the sweeps."""
    with contextlib.suppress(OSError):
        sign_of_life().touch()


def forever(stopped: Callable[[], bool]) -> None:
    """Sweep every LAM_SWEEP_SECONDS until told to stop. A database that is away is waited for, not died over."""
    upkeep, watchdog = Upkeep(), Watchdog()
    while not stopped():
        try:
            close_old_connections()
            if why := schema.newer():
                logger.critical("%s", why)
                sys.exit(78)  # EX_CONFIG: whoever supervises us says so, and tries again
            rung = sweep()
            upkeep.turn()
            watchdog.look(_roles_of(rung) if works() else ())
            rewind.note()
        except Error:
            logger.exception("the sweep could not finish; it begins again")
            connection.close()
        show()
        time.sleep(settings.LAM_SWEEP_SECONDS)
