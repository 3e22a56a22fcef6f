"""Does the tool reach deeper than the lower of the initiator's and the agent's tier?"""

from collections.abc import Iterator

from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict


def check(facts: Facts) -> Iterator[Finding]:
    if facts.tool is None:
        return
    needed = facts.tool.tier
    for what, party in (("Initiator", facts.initiator), ("Agent", facts.agent)):
        if party.tier >= needed:
            compared = f"tier {party.tier} ≥ {needed}"
            yield Finding("level", Verdict.ALLOW, f"{what} {party.name} reaches {facts.tool.name}: {compared}.")
        else:
            compared = f"tier {party.tier} < {needed}"
            yield Finding("level", Verdict.DENY, f"{what} {party.name} does not reach {facts.tool.name}: {compared}.")
