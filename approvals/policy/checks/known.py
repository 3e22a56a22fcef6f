"""Is it a tool of this catalogue, switched on, not forbidden here, and the version that was proposed?"""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts, ToolFacts
from approvals.policy.ruling import Finding, Verdict
from tools.text import display


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    requested = display(facts.tool_requested, one_line=True, limit=80)
    if facts.tool is None:
        yield Finding("known", Verdict.DENY, f'No tool named "{requested}" is in this catalogue.')
        return
    objections = list(_objections(facts.tool, facts.tool_requested, requested))
    for objection in objections:
        yield Finding("known", Verdict.DENY, objection)
    if not objections:
        yield Finding(
            "known", Verdict.ALLOW, f"{facts.tool.name} is in the catalogue in the version that was proposed."
        )


def _objections(tool: ToolFacts, requested: str, shown: str) -> Iterator[str]:
    if tool.name != requested:
        yield f'"{shown}" was asked for, but the facts are about {tool.name}.'
    if not tool.enabled:
        yield f"{tool.name} is switched off."
    if tool.forbidden:
        yield f"{tool.name} is forbidden in this organization."
    if tool.recommend_only:
        yield f"{tool.name} is for recommendations only: what it would do is recorded and shown, never done."
    if not tool.version_hash or tool.proposed_version_hash != tool.version_hash:
        yield (
            f"{tool.name} has changed: the proposal is for version {_short(tool.proposed_version_hash)}, "
            f"the catalogue holds {_short(tool.version_hash)}."
        )


def _short(version: str) -> str:
    return version.removeprefix("sha256:")[:12] or "(none)"
