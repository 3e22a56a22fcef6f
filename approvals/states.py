"""The life of an Action. DENIED is the policy's no, REJECTED a person's, EXPIRED nobody's: never merge them."""

from django.db.models import TextChoices

from traces.states import Machine


class ActionStatus(TextChoices):
    """Where an action stands; the words are the public interface's."""

    PROPOSED = "proposed"  # ruled on, or waiting for what the ruling needs
    DENIED = "denied"  # the policy said no
    IN_REVIEW = "in_review"  # waits for people
    SCHEDULED = "scheduled"  # leaves at due_at unless somebody objects
    PERMITTED = "permitted"  # may run; the gatekeeper signs, an executor claims
    EXECUTING = "executing"  # claimed: the ledger row exists, the call may be under way
    DONE = "done"  # the effect is known to have happened
    FAILED = "failed"  # the effect is known not to have happened
    UNCERTAIN = "uncertain"  # nobody knows; a person has to find out
    REJECTED = "rejected"  # a person said no
    EXPIRED = "expired"  # nobody said anything in time, which is a no
    WITHDRAWN = "withdrawn"  # whoever asked no longer does
    HALTED = "halted"  # a kill switch caught it
    UNDONE = "undone"  # a compensation is known to have happened


S = ActionStatus

ACTION = Machine(
    name="action",
    initial=S.PROPOSED.value,
    edges={
        S.PROPOSED.value: frozenset(
            s.value for s in (S.DENIED, S.IN_REVIEW, S.SCHEDULED, S.PERMITTED, S.WITHDRAWN, S.HALTED)
        ),
        S.IN_REVIEW.value: frozenset(
            s.value for s in (S.SCHEDULED, S.PERMITTED, S.REJECTED, S.EXPIRED, S.WITHDRAWN, S.DENIED)
        ),
        S.SCHEDULED.value: frozenset(s.value for s in (S.PERMITTED, S.IN_REVIEW, S.REJECTED, S.WITHDRAWN, S.HALTED)),
        S.PERMITTED.value: frozenset(s.value for s in (S.EXECUTING, S.IN_REVIEW, S.EXPIRED, S.WITHDRAWN, S.HALTED)),
        S.EXECUTING.value: frozenset(s.value for s in (S.DONE, S.FAILED, S.UNCERTAIN)),
        S.UNCERTAIN.value: frozenset(s.value for s in (S.DONE, S.FAILED)),
        S.DONE.value: frozenset({S.UNDONE.value}),
    },
)

SETTLED = frozenset(
    s.value for s in (S.DENIED, S.DONE, S.FAILED, S.REJECTED, S.EXPIRED, S.WITHDRAWN, S.HALTED, S.UNDONE)
)
"""Statuses from which a run may go on: nothing more will happen to the action by itself."""
