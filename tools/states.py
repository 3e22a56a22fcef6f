"""The life of an Execution, the ledger row that exists before its tool is called."""

from django.db.models import TextChoices

from traces.states import Machine

STOPPED = "stop_engaged"
"""The error of an execution whose call a stop kept from being sent."""


class ExecutionStatus(TextChoices):
    """What is known about one call to the world."""

    CLAIMED = "claimed"  # an executor owns it; the call may have happened
    DONE = "done"  # it happened
    FAILED = "failed"  # it did not happen
    UNCERTAIN = "uncertain"  # not known, and not to be guessed
    UNDONE = "undone"  # a compensation is known to have happened


S = ExecutionStatus

EXECUTION = Machine(
    name="execution",
    initial=S.CLAIMED.value,
    edges={
        S.CLAIMED.value: frozenset({S.DONE.value, S.FAILED.value, S.UNCERTAIN.value}),
        S.UNCERTAIN.value: frozenset({S.DONE.value, S.FAILED.value}),
        S.DONE.value: frozenset({S.UNDONE.value}),
    },
)
