"""Does the tool reach deeper than the lower of the initiator's and the agent's tier?"""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    if facts.tool is None:
        return
    needed = facts.tool.tier
    far = f"{facts.tool.name} goes as far as {needed}"
    for what, party in (("Initiator", facts.initiator), ("Agent", facts.agent)):
        if party.tier >= needed:
            text = f"{what} {party.name} may go as far as {party.tier}, and {far}."
            yield Finding("level", Verdict.ALLOW, text)
        else:
            text = f"{what} {party.name} may go only as far as {party.tier}, but {far}."
            yield Finding("level", Verdict.DENY, text)
