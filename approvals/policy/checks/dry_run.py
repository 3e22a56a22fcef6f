"""Does the tool say that the call would succeed, and does its effect stay inside the bounds?"""

from collections.abc import Iterator

from approvals.policy.document import Policy
from approvals.policy.evidence import DryRun, DryRunState
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import Tier
from tools.text import display


def check(facts: Facts, policy: Policy) -> Iterator[Finding]:
    tool, dry_run = facts.tool, facts.dry_run
    if tool is None:
        return
    said = f": {display(dry_run.text, one_line=True, limit=300)}" if dry_run.text else ""
    if dry_run.state is DryRunState.NOT_OFFERED:
        if tool.tier > Tier.READ:
            text = f"{tool.name} has no dry run, so what it will do is not known beforehand."
            yield Finding("dry_run", Verdict.ALLOW, text)
    elif dry_run.state is DryRunState.AWAITED:
        text = f"{tool.name} was asked what it would do and has not answered; until then nothing is permitted."
        yield Finding("dry_run", Verdict.REVIEW, text, quorum=1)
    elif dry_run.state is DryRunState.DONE:
        yield _bounded(dry_run, policy, said)
    elif dry_run.state is DryRunState.REFUSED:
        yield Finding("dry_run", Verdict.DENY, f"{tool.name} says that this call would fail{said}.")
    else:
        text = f"{tool.name} could not be asked what it would do{said}."
        yield Finding("dry_run", Verdict.REVIEW, text, warning=True, quorum=1)
    if dry_run.drifted:
        text = f"The state that the dry run rests on has changed since somebody looked{said}."
        yield Finding("dry_run", Verdict.REVIEW, text, warning=True, quorum=1)


def _bounded(dry_run: DryRun, policy: Policy, said: str) -> Finding:
    affected, most = dry_run.affected, policy.most_affected
    if affected is None:
        return Finding("dry_run", Verdict.ALLOW, f"The dry run succeeds{said}.")
    touches = f"touches {affected} record{'' if affected == 1 else 's'}"
    if affected > most:
        text = f"The dry run {touches}, more than the {most} that need no look{said}."
        return Finding("dry_run", Verdict.REVIEW, text, warning=True, quorum=1)
    return Finding("dry_run", Verdict.ALLOW, f"The dry run succeeds and {touches}, of {most} at most{said}.")
