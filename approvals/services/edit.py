"""edit: a reviewer changes the arguments of what waits, or takes another tool of those that the agent left aside.

What comes of it is another revision, judged and shown anew.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from accounts.actors import person
from accounts.models import User
from approvals import binding
from approvals.exceptions import NotACandidate, NothingChanged, UndoIsNotEdited
from approvals.facts import Gathered, Judged, gather, judged
from approvals.facts.approvers import able_to_decide
from approvals.facts.usage import standing
from approvals.models import Action, Revision
from approvals.policy import DryRunState, Origin, PlanState, Source, Usage, Verdict
from approvals.reading.differences import changed_paths, secrets_kept
from approvals.services import preview
from approvals.services.canaries import ended
from approvals.services.deciding import free, freshly_signed_in, not_aside, remembers_refusals, shown, take
from approvals.services.propose import Proposal, before_people, revise
from approvals.services.rejudge import asked_again
from approvals.services.reserve import reserve
from approvals.services.window import review_seconds
from approvals.states import ActionStatus
from tools.arguments import ArgumentsRefused
from tools.kinds import Risk
from tools.models import Tool
from tools.queries import holds
from tools.schemas import Problem
from traces.clock import later, now
from traces.doorbell import ring
from traces.services import Actor, Entry, move, record

MOST_PATHS = 50
"""Changed paths that the event names; the two revisions hold all of them."""


@remembers_refusals("edit")
def edit(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,
    arguments: Mapping[str, Any],
    tool: str = "",
    reason: str = "",
    signed_in_at: datetime | None = None,
) -> Revision:
    """Put other arguments in the place of those that were shown under ``digest``, and judge the call anew.

    ``arguments`` is the whole new object; a secret that it leaves out stays as it is. With ``tool`` the call becomes
    one of another tool, of those that the agent left aside; then no secret stays. Every check repeats, limits are
    counted anew, and votes begin anew, because they belong to the old revision. The policy may deny what comes of it.
    On high risk the editor's own yes to it does not count.

    Raises UndoIsNotEdited, NotACandidate, ArgumentsRefused with the path of each misfit, NothingChanged, Taken,
    SetAside, and the exceptions of ``take``, ``shown`` and ``freshly_signed_in``.
    """
    action = take(actor=actor, organization=organization, action_id=action_id)
    current = _open_to(actor, action, digest)
    freshly_signed_in(action, signed_in_at)
    if action.canary:  # whoever changes it has noticed it
        ended(action, actor, how="edit", said=reason)
        return current
    asked = asked_again(action, current)
    gathered, changed = _rewritten(actor, current, asked, arguments, tool)
    again = _judged(action, gathered, asked, actor)
    before = action.tool_name
    if gathered.asked.tool != before:
        action.tool, action.tool_name, action.scopes = again.tool, gathered.asked.tool, list(again.scopes)
    revision = revise(action, again, number=current.number + 1, author=actor.pk, considered=current.considered)
    _rewrite(action, again, revision)
    revision.save(force_insert=True)
    record(
        Entry(
            organization=action.organization_id,
            actor=person(actor),
            verb="edited" if action.tool_name == before else "chosen",
            subject_kind="action",
            subject=action.id,
            reason=reason,
            run=action.run,
            detail={
                "revision": revision.number,
                "digest": revision.digest,
                "before": current.digest,
                "changed": changed[:MOST_PATHS],
                "changes": len(changed),
                **({"tool": action.tool_name, "instead_of": before} if action.tool_name != before else {}),
                **({"signed_in_at": signed_in_at.isoformat()} if signed_in_at else {}),
            },
        )
    )
    if again.ruling.verdict is Verdict.DENY:
        _deny(action, again)
        return revision
    if again.facts.dry_run.state is DryRunState.AWAITED:
        preview.ask(action, revision)
    before_people(action, again.ruling)
    return revision


def tried(actor: User, action: Action, *, digest: str, arguments: Mapping[str, Any], tool: str = "") -> Judged:
    """What ``edit`` would be told for these arguments. Writes nothing, counts nothing, asks no tool.

    Whoever asks is somebody to whom the form was shown. Raises as ``edit``, but for who may do it.
    """
    current = _open_to(actor, action, digest)
    asked = asked_again(action, current)
    gathered, _ = _rewritten(actor, current, asked, arguments, tool)
    return _strictly(gathered, asked, actor, standing(action.id, gathered))


def _open_to(actor: User, action: Action, digest: str) -> Revision:
    current = shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
    if action.undo_of is not None:  # with other arguments it would take back something else, and count as this undo
        raise UndoIsNotEdited(state=action.status)
    free(action, actor)
    not_aside(action)
    return current


def _rewritten(
    actor: User, current: Revision, asked: Proposal, arguments: Mapping[str, Any], tool: str
) -> tuple[Gathered, list[str]]:
    """The facts of the call with other arguments, maybe of another tool, and the paths that differ."""
    other = tool not in {"", asked.tool}
    if other:
        candidate(actor, current, asked.organization, tool)
    before = binding.parsed(current.arguments)
    kept = arguments if other else secrets_kept(arguments, before, _secrets(current))
    gathered = gather(replace(asked, tool=tool or asked.tool, arguments=kept))
    if gathered.facts.problems:
        raise ArgumentsRefused(tuple(Problem(path, message) for path, message in gathered.facts.problems))
    changed = changed_paths(before, gathered.arguments)
    if not (changed or other):
        raise NothingChanged
    return _told_by(actor, gathered, asked, changed), changed


def candidate(actor: User, current: Revision, organization: uuid.UUID, name: str) -> Tool:
    """The tool of that name, if the agent left it aside, it is in the catalogue, and this person may review it too:
    nobody makes a call of what they could not say no to. Raises NotACandidate.
    """
    found = Tool.objects.filter(organization_id=organization, name=name).first()
    named = any(one.get("tool") == name for one in current.considered)
    if found is None or not named or not holds(actor.pk, found.pk, "review_tool"):
        raise NotACandidate
    return found


def _secrets(revision: Revision) -> tuple[str, ...]:
    version = revision.tool_version
    return tuple(version.contract["secret_fields"]) if version else ()


def _told_by(actor: User, gathered: Gathered, asked: Proposal, changed: list[str]) -> Gathered:
    """The facts with who wrote what: a person now, at the changed places. An edited call is no longer its plan's."""
    kept = (o for o in asked.provenance if not any(_within(o.path, path) for path in changed))
    written = (Origin(path, Source.PERSON, f"edited by {actor.username}") for path in changed)
    plan = PlanState.DEPARTS if asked.plan is PlanState.AS_APPROVED else asked.plan
    return replace(gathered, facts=replace(gathered.facts, provenance=(*kept, *written), plan=plan))


def _within(path: str, whole: str) -> bool:
    return path == whole or path.startswith((f"{whole}.", f"{whole}["))


def _judged(action: Action, gathered: Gathered, asked: Proposal, actor: User) -> Judged:
    """The ruling, with the limits counted anew."""
    return _strictly(gathered, asked, actor, reserve(action.id, gathered))


def _strictly(gathered: Gathered, asked: Proposal, actor: User, usage: tuple[Usage, ...]) -> Judged:
    """The ruling; on high risk without the editor among those who could decide."""
    again = judged(gathered, usage)
    if again.ruling.risk is not Risk.HIGH:
        return again
    able = able_to_decide(asked, gathered.tool, gathered.document, without=(actor.pk,))
    return judged(replace(gathered, facts=replace(gathered.facts, approvers=able)), usage)


def _rewrite(action: Action, again: Judged, revision: Revision) -> None:
    """Make the new revision the action's current one. People have the whole time again, for something else."""
    ruling = again.ruling
    action.revision, action.digest, action.summary = revision.number, revision.digest, again.summary
    action.verdict = (Verdict.DENY if ruling.verdict is Verdict.DENY else Verdict.REVIEW).value
    action.risk, action.maturity = str(ruling.risk), str(ruling.maturity)
    action.quorum, action.teams = max(1, ruling.quorum), [list(team) for team in ruling.teams]
    action.unroutable, action.expires_at = ruling.unroutable, later(review_seconds(ruling))
    action.save(
        update_fields=[
            "revision", "digest", "summary", "verdict", "risk", "maturity", "quorum", "teams", "unroutable",
            "expires_at", "tool", "tool_name", "scopes",
        ]
    )  # fmt: skip


def _deny(action: Action, again: Judged) -> None:
    move(
        Action,
        [action.id],
        ActionStatus.IN_REVIEW,
        ActionStatus.DENIED,
        actor=Actor.system("policy"),
        verb="ruled",
        reason=" ".join(f.text for f in again.ruling.findings if f.verdict is Verdict.DENY)[:2000],
        details={action.id: {"verdict": action.verdict, "policy": again.policy.number, "risk": action.risk}},
        changes={"settled_at": now()},
    )
    ring("lam_app.tasks.advance_runs")
