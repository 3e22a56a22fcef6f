"""What the tool said that it would do, as far as it has been asked. Reads only."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from approvals.models import PreviewRow
from approvals.policy import DryRun, DryRunState
from tools.contract import Contract
from tools.models import ToolVersion
from tools.previews import identifiers
from traces.canonical import parse

if TYPE_CHECKING:
    from approvals.facts import Asked

_SHOWN = ("changes", "more", "records", "since")


def dry_run_of(
    asked: "Asked", contract: Contract | None, version: ToolVersion | None, arguments: Any, arguments_digest: str
) -> DryRun:
    """The newest answer about this very call; AWAITED where the tool is still to be asked about it.

    What was answered for other arguments or for another version of the tool says nothing about this call.
    """
    if contract is None or version is None or not to_be_asked(contract, arguments):
        return DryRun()
    newest = PreviewRow.objects.filter(action__run=asked.run, action__step=asked.step).order_by("-revision").first()
    if (
        newest is None
        or newest.state == PreviewRow.State.ASKED
        or (newest.tool_version_id, newest.arguments_digest) != (version.id, arguments_digest)
    ):
        return DryRun(state=DryRunState.AWAITED)
    return as_fact(contract, newest.state, parse(newest.content), newest.preconditions, drifted=newest.drifted)


def to_be_asked(contract: Contract, arguments: Any) -> bool:
    """Whether the tool can say something about this call beforehand: what it would do, or what is behind its names."""
    if contract.preview:
        return True
    return isinstance(arguments, dict) and any(identifiers(arguments, contract.lookups))


def as_fact(contract: Contract, state: str, content: Mapping[str, Any], preconditions: str, *, drifted: bool) -> DryRun:
    """What was told (`tools.previews.Told`), as the policy looks at it."""
    shown = {name: content[name] for name in _SHOWN if content.get(name)}
    # A tool that only names records predicts nothing.
    named = state == DryRunState.DONE and not contract.preview
    return DryRun(
        state=DryRunState.NOT_OFFERED if named else DryRunState(state),
        text=str(content.get("text", "")),
        affected=content.get("affected"),
        effect=shown or None,
        preconditions=preconditions,
        drifted=drifted,
    )
