"""What a trial showed, and what many showed together.

Whether a claim came after ARMED is read from PostgreSQL's commit times (``track_commit_timestamp``) of the transactions
that the two events name. That is sound because of the lock itself: a claim's commit time is taken before it lets go
of its scopes, and a stop's after it has them; the other way round too. ``claimed_at`` would not do: it is taken when
the claim is made and says nothing of when it was committed, which without the lock may be long after the stop. What
was claimed when the stop answered is compared as well and needs no clock: nothing may be added to it.

Effects are the recorder's, with its own moments; QUIET is the moment in the stop's row. Both read the same clock.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from approvals.binding import idempotency_key
from approvals.models import Action
from tools.models import Execution, KillSwitch
from tools.states import STOPPED

_LATE = """
WITH told AS (
    SELECT subject, verb, pg_xact_commit_timestamp(((transaction %% 4294967296)::text)::xid) AS committed
    FROM traces_event
    WHERE (verb = 'claimed' AND subject = ANY (%(covered)s)) OR (verb = 'stop_engaged' AND subject = %(stop)s)
)
SELECT claim.subject FROM told claim
WHERE claim.verb = 'claimed'
  AND (claim.committed < (SELECT max(stop.committed) FROM told stop WHERE stop.verb = 'stop_engaged')) IS NOT TRUE
"""
"""What is not known to have been committed before counts as late."""


@dataclass(frozen=True)
class Shown:
    """What one trial showed. Times in seconds."""

    scope: str
    over_http: bool
    redis: bool
    click: float
    """From the click, or the call, until it was answered."""
    quiet: float
    """From ARMED to QUIET."""
    claimed: int
    """Covered actions that were claimed before the stop."""
    kept: int
    """Covered actions that it kept back."""
    late_claims: int
    late_effects: int
    """Effects of covered actions after QUIET, and of such as were never claimed."""
    others: int
    """Effects of other actions after ARMED: the load went on."""
    waited: int
    """Covered actions whose call was in doubt and waited when the stop came."""
    unsent: int
    """Covered actions that were claimed in time and let go before their call began."""


def claimed_of(actions: Sequence[Action]) -> set[uuid.UUID]:
    """Those that were ever claimed."""
    rows = Execution.objects.filter(action__in=[action.id for action in actions])
    return set(rows.values_list("action", flat=True))


def judged(
    switch: KillSwitch,
    covered: Sequence[Action],
    others: Sequence[Action],
    seen: Collection[uuid.UUID],
    effects: Mapping[str, float],
    *,
    click: float,
    over_http: bool,
    redis: bool,
) -> Shown:
    """Hold the record and the recorder against the stop. ``seen`` had been claimed when it answered."""
    assert switch.quiet_at is not None
    with connection.cursor() as cursor:
        cursor.execute(_LATE, {"covered": [action.id for action in covered], "stop": switch.id})
        late = {row[0] for row in cursor.fetchall()}
    claimed = claimed_of(covered)
    late |= claimed - set(seen)
    keys = {idempotency_key(action.run, action.step): action.id for action in covered}
    foreign = {idempotency_key(action.run, action.step) for action in others}
    armed, quiet = switch.armed_at.timestamp(), switch.quiet_at.timestamp()
    now = {action.id: action.status for action in Action.objects.filter(id__in=keys.values())}
    assert set(now.values()) <= {"done", "failed", "uncertain", "halted", "denied"}, now
    assert all((now[action] == "done") == (key in effects) for key, action in keys.items()), "not what the record says"
    unsent = set(Execution.objects.filter(action__in=now, error_code=STOPPED).values_list("action", flat=True))
    return Shown(
        scope=switch.scope,
        over_http=over_http,
        redis=redis,
        click=click,
        quiet=(switch.quiet_at - switch.armed_at).total_seconds(),
        claimed=len(claimed),
        kept=len(keys) - len(claimed),
        late_claims=len(late),
        late_effects=sum(
            key in keys and (moment > quiet or keys[key] not in claimed) for key, moment in effects.items()
        ),
        others=sum(key in foreign and moment > armed for key, moment in effects.items()),
        waited=sum(status in {"failed", "uncertain"} and action not in unsent for action, status in now.items()),
        unsent=len(unsent),
    )


def accounted(effects: Mapping[str, float]) -> None:
    """Hold all effects there ever were against the record: one for every action that is done, and no other."""
    done = Action.objects.filter(status="done").values_list("run", "step")
    assert {idempotency_key(run, step) for run, step in done} == set(effects)


def share(values: Sequence[float], part: float) -> float:
    """The value that this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def report(shown: Sequence[Shown], seed: int) -> list[str]:
    """The figures, in lines."""
    lines = [f"{len(shown)} trials, seed {seed}: " + _counted(shown)]
    by = Counter((one.scope, one.redis) for one in shown)
    scopes = sorted({one.scope for one in shown})
    lines.append("Redis up/stopped: " + ", ".join(f"{name} {by[name, True]}/{by[name, False]}" for name in scopes))
    ways = (("page", True, True), ("page, Redis stopped", True, False), ("call", False, True))
    for name, over_http, redis in (*ways, ("call, Redis stopped", False, False)):
        clicks = [one.click * 1000 for one in shown if one.over_http is over_http and one.redis is redis]
        lines.append(f"{name}: click to ARMED {_spread(clicks)}")
    lines.append(f"ARMED to QUIET {_spread([one.quiet * 1000 for one in shown])}")
    return lines


def _spread(values: Sequence[float]) -> str:
    p50, p99 = share(values, 0.5), share(values, 0.99)
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {max(values, default=0):.0f} ms ({len(values)})"


def _counted(shown: Sequence[Shown]) -> str:
    total = Counter[str]()
    for one in shown:
        for name in ("claimed", "kept", "waited", "unsent", "others", "late_claims", "late_effects"):
            total[name] += getattr(one, name)
    bound = f"at most {300 / max(1, len(shown)):.2g} % of stops at 95 %"
    return (
        f"{total['late_claims']} claims after ARMED, {total['late_effects']} effects after QUIET ({bound}); "
        f"covered: {total['claimed']} claimed before, {total['unsent']} of them let go unsent, "
        f"{total['kept']} kept back, {total['waited']} ended in doubt; "
        f"{total['others']} effects of others meanwhile"
    )
