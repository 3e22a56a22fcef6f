"""Do the arguments fit the tool's schema? Each misfit is a finding with its path."""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict
from tools.text import display

MOST_LISTED = 20


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    for path, message in facts.problems[:MOST_LISTED]:
        text = f"{path}: {message}" if path else message
        yield Finding("schema", Verdict.DENY, f"{display(text, one_line=True, limit=300).rstrip('.')}.")
    if len(facts.problems) > MOST_LISTED:
        yield Finding("schema", Verdict.DENY, f"… and {len(facts.problems) - MOST_LISTED} more problems.")
    if facts.problems:
        return
    if not isinstance(facts.arguments, dict):
        yield Finding("schema", Verdict.DENY, "The arguments are not an object.")
    elif facts.tool is not None:
        yield Finding("schema", Verdict.ALLOW, f"The arguments fit the schema of {facts.tool.name}.")
