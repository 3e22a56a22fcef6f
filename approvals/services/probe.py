"""probe: a person has the tool asked once more what became of a call whose outcome nobody knows.

The question is an event, and so is the answer: what was asked, by whom, and what the tool said stays on record. The
message only says "look". Asking is read-only, so a question whose executor died is asked again by the next.

The answer settles nothing by itself. Once the outcome is in people's hands, a person says what happened, with the
tool's answer before them: two who settle the same row, one of them a machine that believes whatever it is told, would
leave nobody answerable. It is asked under a stop too, since nothing is done by asking.
"""

import logging
import uuid
from datetime import timedelta
from typing import Final

from django.db import connection

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import AlreadyDecided, CannotBeAsked
from approvals.models import Action
from approvals.services.deciding import remembers_refusals, take
from approvals.services.execute import EXECUTOR, call_again
from approvals.states import ActionStatus
from tools import registry
from tools.contract import Contract, IdempotencyClass, Outcome, OutcomeStatus
from tools.models import Execution
from tools.progress import go_on
from traces.doorbell import ring
from traces.models import Event
from traces.redaction import hidden
from traces.services import Entry, record
from traces.text import storable

logger = logging.getLogger(__name__)
ASKED: Final = "probe_asked"
ANSWERED: Final = "probed"
PATIENCE: Final = timedelta(minutes=3)
"""For how long a question is asked again when nobody has answered it."""
HAPPENED: Final = "The tool says that it happened."
ABSENT: Final = "The tool knows nothing of it."
LONGEST: Final = 600

_OPEN = """
    SELECT a.id
    FROM approvals_action a CROSS JOIN LATERAL (
        SELECT v.verb, v.at FROM traces_event v
        WHERE v.subject = a.id AND v.organization = a.organization_id AND v.verb IN (%(asked)s, %(answered)s)
        ORDER BY v.at DESC, v.id DESC LIMIT 1) newest
    WHERE a.status = 'uncertain' AND newest.verb = %(asked)s
      AND newest.at > clock_timestamp() - make_interval(secs => %(patience)s)
      AND (%(only)s::uuid IS NULL OR a.id = %(only)s)
    ORDER BY a.id LIMIT %(limit)s
"""


@remembers_refusals("probe")
def ask_again(*, actor: User, organization: uuid.UUID, action_id: uuid.UUID) -> bool:
    """Write the question down and ring. False where it is being asked already.

    Raises as ``take``, AlreadyDecided where the outcome is known, CannotBeAsked where the tool is not queryable.
    """
    action = take(actor=actor, organization=organization, action_id=action_id)
    if action.status != ActionStatus.UNCERTAIN:
        raise AlreadyDecided(state=action.status)
    ledger = Execution.objects.select_related("tool_version").filter(action=action.id).first()
    if ledger is None or not can_be_asked(Contract.from_json(ledger.tool_version.contract)):
        raise CannotBeAsked
    if _open(1, only=action.id):
        return False
    record(
        Entry(
            organization=action.organization_id,
            actor=person(actor),
            verb=ASKED,
            subject_kind="action",
            subject=action.id,
            run=action.run,
            detail={"key": ledger.key},
        )
    )
    ring("approvals.tasks.probe_again")
    return True


def can_be_asked(contract: Contract | None) -> bool:
    """Whether this tool says what became of a key."""
    return contract is not None and contract.idempotency.kind is IdempotencyClass.QUERYABLE


def waits() -> bool:
    """Whether there is a question that somebody should ask."""
    return bool(_open(1))


def questions(limit: int) -> list[Action]:
    """Actions about which somebody wants the tool asked, and nobody has answered yet."""
    return list(Action.objects.filter(id__in=_open(limit)).order_by("id"))


def answer(action: Action) -> bool:
    """Ask the tool and write down what it said. False where another executor is asking, or it has been answered.

    Call it outside of any transaction: the tool may take as long as its contract's timeout.
    """
    with connection.cursor() as cursor:
        name = f"probe:{action.id}"
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        row = cursor.fetchone()
        if not (row and row[0]):
            return False
        try:
            if not _open(1, only=action.id):
                return False
            _told(action, *_said(action))
            return True
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _said(action: Action) -> tuple[str, str]:
    """What the tool says of the key: a word for programs and a sentence for people."""
    again = call_again(action, attempt=1)
    if again.refused:
        return "not_asked", f"The tool was not asked: {again.refused}"
    go_on(again.contract.timeout)
    try:
        found = registry.connector(again.contract).probe(again.contract, again.call)
    except Exception as error:  # a connector's mistake must not end the role that serves everybody
        logger.exception("asking again stopped", extra={"action": str(action.id)})
        found = Outcome.uncertain("probe_failed", f"Asking stopped with {type(error).__name__}.")
    if found is None:
        return "absent", ABSENT
    if found.status is OutcomeStatus.DONE:
        return "happened", HAPPENED
    return "unclear", f"The tool cannot say. {found.error.text if found.error else ''}".strip()


def _told(action: Action, answer: str, text: str) -> None:
    record(
        Entry(
            organization=action.organization_id,
            actor=EXECUTOR,
            verb=ANSWERED,
            subject_kind="action",
            subject=action.id,
            reason=storable(hidden(text)[:LONGEST]),
            run=action.run,
            detail={"answer": answer},
        )
    )


def _open(limit: int, *, only: uuid.UUID | None = None) -> list[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN,
            {
                "asked": ASKED,
                "answered": ANSWERED,
                "patience": PATIENCE.total_seconds(),
                "only": only,
                "limit": limit,
            },
        )
        return [row[0] for row in cursor.fetchall()]


def newest_of(events: list[Event]) -> Event | None:
    """The last question or answer among an action's events; None where the tool was never asked again."""
    found = [event for event in events if event.verb in (ASKED, ANSWERED)]
    return max(found, key=lambda event: event.at) if found else None
