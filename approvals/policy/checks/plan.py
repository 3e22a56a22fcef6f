"""Is it a step of the plan that a person approved, with these arguments?"""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.evidence import PlanState
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    if facts.plan is PlanState.NONE:
        yield Finding("plan", Verdict.ALLOW, "No plan was approved for this run, so this call stands by itself.")
    elif facts.plan is PlanState.AS_APPROVED:
        yield Finding("plan", Verdict.ALLOW, "This call is a step of the approved plan, exactly as it was shown.")
    else:
        text = "This call departs from the plan that a person approved."
        yield Finding("plan", Verdict.REVIEW, text, warning=True, quorum=1)
