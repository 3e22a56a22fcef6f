"""Whether a call may happen: facts in, ruling out, nothing else touched.

    rule(Facts, Policy) -> Ruling

Every check answers with findings; all of them are kept, the worst verdict wins, and silence is a no. The facts are
stored with the revision, so the same ruling can be had again from the record, and another policy tried on history.
Pure: frozen data in and out, no database, clock or network.
"""

from approvals.policy.document import Counts, DialException, Limit, Per, Policy, Rule
from approvals.policy.evidence import (
    Able,
    DryRun,
    DryRunState,
    History,
    Origin,
    Owner,
    PlanState,
    Resource,
    Source,
    Usage,
)
from approvals.policy.facts import Facts, Halt, Party, ToolFacts
from approvals.policy.matching import amount_of, applies, asks_of, limits_over
from approvals.policy.reading import PolicyRefused, read_policy
from approvals.policy.rules import replay, rule, unroutable_by
from approvals.policy.ruling import Finding, Ruling, Verdict

__all__ = [
    "Able",
    "Counts",
    "DialException",
    "DryRun",
    "DryRunState",
    "Facts",
    "Finding",
    "Halt",
    "History",
    "Limit",
    "Origin",
    "Owner",
    "Party",
    "Per",
    "PlanState",
    "Policy",
    "PolicyRefused",
    "Resource",
    "Rule",
    "Ruling",
    "Source",
    "ToolFacts",
    "Usage",
    "Verdict",
    "amount_of",
    "applies",
    "asks_of",
    "limits_over",
    "read_policy",
    "replay",
    "rule",
    "unroutable_by",
]
