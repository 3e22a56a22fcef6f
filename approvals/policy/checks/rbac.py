"""May the initiator and the agent use this tool? Both must hold the permission; a prompt grants nothing."""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    if facts.tool is None:
        return
    for what, party in (("Initiator", facts.initiator), ("Agent", facts.agent)):
        if not party.active:
            yield Finding("rbac", Verdict.DENY, f"{what} {party.name} is switched off.")
        if party.may_use:
            yield Finding("rbac", Verdict.ALLOW, f"{what} {party.name} may use {facts.tool.name}.")
        else:
            yield Finding("rbac", Verdict.DENY, f"{what} {party.name} may not use {facts.tool.name}.")
