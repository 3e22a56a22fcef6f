"""What cannot be undone needs a model that was sure, or a person.

How sure it was comes from the probabilities of its tokens; a number that an agent states about itself is never used.
"""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import Tier


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    tool = facts.tool
    if tool is None or not tool.tier > Tier.READ:
        return
    if tool.reversible:
        yield Finding("reversibility", Verdict.ALLOW, f"What {tool.name} does can be undone.")
        return
    undone = f"What {tool.name} does cannot be undone"
    if facts.confidence is None:
        text = f"{undone}, and how sure the model was is not known."
        yield Finding("reversibility", Verdict.REVIEW, text, quorum=1)
    elif facts.confidence < policy.confidence:
        text = f"{undone}, and the model was only {facts.confidence:.3g} sure; {policy.confidence:g} is asked for."
        yield Finding("reversibility", Verdict.REVIEW, text, warning=True, quorum=1)
    else:
        text = f"{undone}; the model was {facts.confidence:.3g} sure, and {policy.confidence:g} is asked for."
        yield Finding("reversibility", Verdict.ALLOW, text)
