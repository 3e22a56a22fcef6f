"""Do the things that the arguments name belong to the initiator's organization?"""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.evidence import Owner
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict
from tools.text import display


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    for resource in facts.resources:
        identifier = display(resource.identifier, one_line=True, limit=80)
        named = f'{resource.path} names the {resource.kind} "{identifier}"'
        if resource.owner is Owner.OWN:
            yield Finding("scope", Verdict.ALLOW, f"{named}, which belongs to this organization.")
        else:
            # The same words for another organization's and for nobody's: the answer must not tell which exist.
            yield Finding("scope", Verdict.DENY, f"{named}, and this organization has none of that name.")
