"""How many such calls were there within a window, this one included?"""

from collections.abc import Iterator

from approvals.policy.checks.limits import judged
from approvals.policy.document import Counts, Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    yield from judged("rate", Counts.CALLS, facts, policy)
