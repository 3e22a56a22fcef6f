"""rejudge: a permit that no longer holds is void, and the same call is judged again as things stand now."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from psycopg.types.json import Jsonb

from approvals import binding
from approvals.facts import Budget, Judged, gather, judged
from approvals.facts.usage import standing
from approvals.models import Action, Revision
from approvals.policy import DryRun, DryRunState, Facts, Verdict
from approvals.services import preview
from approvals.services.allow import still_allowed
from approvals.services.propose import Proposal, before_people, revise
from approvals.services.reserve import release, reserve
from approvals.services.window import review_seconds
from approvals.states import ActionStatus
from tools.previews import Told
from traces.clock import Moment, now
from traces.doorbell import ring
from traces.services import Actor, move


def anew(action: Action, current: Revision) -> Judged:
    """The same call, gathered and judged as things stand now. Writes nothing."""
    gathered = gather(asked_again(action, current))
    return still_allowed(action.id, gathered, standing(action.id, gathered))


def asked_again(action: Action, current: Revision) -> Proposal:
    """The proposal that an action came from, as its rows keep it, with the arguments of its current revision.

    What the mind reported once (the run's budget, where the arguments come from, how it stands to a plan) is taken
    from the stored facts, because it can be asked only at the beginning. Facts that cannot be read tell nothing.
    """
    told: dict[str, Any] = {}
    with suppress(KeyError, TypeError, ValueError, ArithmeticError):
        known = Facts.from_json(binding.parsed(current.facts))
        budget = Budget(known.history.steps, known.history.tokens, Decimal(known.history.cost))
        told = {"budget": budget, "provenance": known.provenance, "plan": known.plan}
    return Proposal(
        organization=action.organization_id,
        run=action.run,
        step=action.step,
        origin=action.origin,
        initiator=action.initiator_id,
        agent=action.agent_id,
        principals=tuple(action.principals),
        tool=action.tool_name,
        arguments=binding.parsed(current.arguments),
        confidence=action.confidence,
        considered=tuple(current.considered),
        **told,
    )


def foreseen(revision: Revision) -> str:
    """The digest of what the tool had said when a revision was judged; empty where it had said nothing."""
    return Facts.from_json(binding.parsed(revision.facts)).dry_run.preconditions


@dataclass(frozen=True)
class Seen:
    """What a tool said right before a call that is therefore not made."""

    told: Told
    content: Mapping[str, Any]  # what it said, with what differs from before
    fact: DryRun


def rejudge(
    action: Action,
    *,
    actor: Actor,
    why: str,
    seen: Seen | None = None,
    source: ActionStatus = ActionStatus.PERMITTED,
    verb: str = "permit_void",
) -> bool:
    """Void a permit that no longer holds: the same call is judged as things stand now and goes back to people.

    Call it for a PERMITTED action whose tool, policy, preconditions or deciders changed, or which a person holds back;
    and for a SCHEDULED one (``source``). Votes begin anew, because they belong to the old revision. ``seen`` is what
    the tool says by now, where that is why. Returns whether this caller was the one to move it.
    """
    current = action.revisions.get(number=action.revision)
    gathered = gather(asked_again(action, current), dry_run=seen.fact if seen else None)
    with transaction.atomic():
        again = judged(gathered, reserve(action.id, gathered))  # a limit that is new counts it now
        revision = revise(
            action, again, number=current.number + 1, author=current.author_id, considered=current.considered
        )
        ruling = again.ruling
        moved = move(
            Action,
            [action.id],
            source,
            ActionStatus.IN_REVIEW,
            actor=actor,
            verb=verb,
            reason=why,
            details={action.id: {"revision": revision.number, "digest": revision.digest}},
            changes={
                "revision": revision.number,
                "digest": revision.digest,
                "summary": again.summary,
                "verdict": (Verdict.DENY if ruling.verdict is Verdict.DENY else Verdict.REVIEW).value,
                "risk": str(ruling.risk),
                "maturity": str(ruling.maturity),
                "quorum": max(1, ruling.quorum),
                "teams": Jsonb([list(team) for team in ruling.teams]),
                "unroutable": ruling.unroutable,
                "expires_at": Moment(review_seconds(ruling)),
                **({"due_at": None} if source is ActionStatus.SCHEDULED else {}),
            },
        )
        if not moved:
            transaction.set_rollback(True)  # whoever was first also knows what it uses
            return False
        revision.save(force_insert=True)
        if seen is not None:
            preview.keep(action, current, seen.told, seen.content, drifted=seen.fact.drifted)
        elif again.facts.dry_run.state is DryRunState.AWAITED and ruling.verdict is not Verdict.DENY:
            preview.ask(action, revision)  # another version of the tool: what the last one said counts no more
        action.permits.filter(revoked_at=None).update(revoked_at=now(), revoked_because=why)
        if ruling.verdict is Verdict.DENY:
            move(
                Action,
                [action.id],
                ActionStatus.IN_REVIEW,
                ActionStatus.DENIED,
                actor=Actor.system("policy"),
                verb="ruled",
                reason=" ".join(f.text for f in ruling.findings if f.verdict is Verdict.DENY)[:2000],
                changes={"settled_at": Moment()},
            )
            release([action.id])
            ring("lam_app.tasks.advance_runs")
        else:
            action.refresh_from_db()
            before_people(action, ruling)
    return True
