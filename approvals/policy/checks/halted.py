"""Is a kill switch engaged over this call?"""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    for halt in facts.halts:
        over = f"{halt.scope} {halt.target}".strip()
        yield Finding("halted", Verdict.DENY, f"Stopped: a kill switch is engaged over {over} ({halt.reason}).")
    if not facts.halts:
        yield Finding("halted", Verdict.ALLOW, "No kill switch is engaged over this call.")
