"""Can these facts be judged at all? A word that this version does not know is a no."""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    for wrong in facts.malformed():
        yield Finding("facts", Verdict.DENY, f"These facts cannot be judged: {wrong}.")
