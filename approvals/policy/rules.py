"""The rule: every check in a fixed order, every finding kept, the worst verdict wins, silence is a no."""

from collections.abc import Iterable, Mapping
from typing import Any

from approvals.policy.checks import ORDER, Check
from approvals.policy.checks.maturity import applied
from approvals.policy.checks.risk import risk_of
from approvals.policy.document import Policy
from approvals.policy.evidence import Able
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Ruling, Verdict
from tools.kinds import Maturity, Risk

FIRST = Policy()
"""What an organization begins with."""

GRANTS = frozenset({"maturity"})
"""Only these checks can say yes; all others can only fail to object."""


def rule(facts: Facts, policy: Policy = FIRST) -> Ruling:
    """Judge one call under a policy. Never raises: what cannot be judged is denied, with a finding that says why."""
    findings = [finding for name, check in ORDER for finding in _ask(name, check, facts, policy)]
    if not any(finding.check in GRANTS for finding in findings):
        findings.append(Finding("default", Verdict.DENY, "No rule permits this call, and silence is a no."))
    verdict = max(finding.verdict for finding in findings)
    deciding = [finding for finding in findings if finding.verdict is verdict]
    risk, maturity = _described(facts, policy)
    quorum, teams = _people(deciding, policy, risk) if verdict is Verdict.REVIEW else (0, ())
    asking = deciding if verdict is Verdict.REVIEW else []
    unroutable = unroutable_by(facts.approvers, quorum, teams) if verdict is Verdict.REVIEW else ""
    if unroutable:
        findings.append(Finding("approvers", Verdict.REVIEW, unroutable, warning=True, quorum=quorum))
    return Ruling(
        verdict=verdict,
        findings=tuple(findings),
        quorum=quorum,
        veto_seconds=max(finding.veto_seconds for finding in deciding) if verdict is Verdict.VETO_WINDOW else 0,
        risk=risk,
        maturity=maturity,
        teams=teams,
        unroutable=unroutable,
        expires_seconds=min((f.expires_seconds for f in asking if f.expires_seconds), default=0),
        escalation=_steps(asking),
    )


def replay(stored: Mapping[str, Any], policy: Policy = FIRST) -> Ruling:
    """The ruling under a policy on facts as `Facts.to_json` stored them."""
    return rule(Facts.from_json(stored), policy)


def _ask(name: str, check: Check, facts: Facts, policy: Policy) -> list[Finding]:
    """One check's findings, or a denial when it fails or answers something that is not a finding."""
    try:
        found: list[object] = list(check(facts, policy))
    except Exception as error:
        return [Finding(name, Verdict.DENY, f"The check {name} failed ({type(error).__name__}), so the answer is no.")]
    kept: list[Finding] = []
    for finding in found:
        if isinstance(finding, Finding) and isinstance(finding.verdict, Verdict) and finding.check == name:
            kept.append(finding)
        else:
            kept.append(Finding(name, Verdict.DENY, f"The check {name} gave an unknown answer, so the answer is no."))
    return kept


def _people(deciding: list[Finding], policy: Policy, risk: Risk) -> tuple[int, tuple[tuple[str, int], ...]]:
    """How many people must approve, and how many of which teams must be among them: all that any finding asks."""
    teams: dict[str, int] = {}
    for finding in deciding:
        for team, needed in finding.teams:
            teams[team] = max(needed, teams.get(team, 0))
    asked = [finding.quorum for finding in deciding] + list(teams.values())
    if risk is Risk.HIGH:
        asked.append(policy.high_risk_quorum)
    # A review that names nobody still needs one person: an empty quorum must not pass by itself.
    return max(1, *asked), tuple(sorted(teams.items()))


def _steps(deciding: list[Finding]) -> tuple[tuple[int, str], ...]:
    """The steps of every chain together, soonest first; a team that several name is asked at the first of its times."""
    first: dict[str, int] = {}
    for after, team in sorted(step for finding in deciding for step in finding.escalation):
        first.setdefault(team, after)
    return tuple(sorted((after, team) for team, after in first.items()))


def unroutable_by(approvers: Iterable[Able], quorum: int, teams: Iterable[tuple[str, int]]) -> str:
    """Why not enough people could approve, as things stand; empty where they can, or where nobody has looked."""
    able = {one.team: one.people for one in approvers}
    if not able:
        return ""
    short = []
    if "" in able and (able[""] or 0) < quorum:
        short.append(f"{_counted(quorum)} must approve, and {_counted(able[''] or 0)} could")
    for team, needed in teams:
        there = able.get(team)
        if there is None:
            short.append(f"{needed} of the team {team} must approve, and there is no such team")
        elif there < needed:
            short.append(f"{needed} of the team {team} must approve, and {_counted(there)} of it could")
    return f"Too few people can approve this as things stand: {'; '.join(short)}." if short else ""


def _counted(people: int) -> str:
    return {0: "nobody", 1: "one person"}.get(people, f"{people} people")


def _described(facts: Facts, policy: Policy) -> tuple[Risk, Maturity]:
    """Risk and dial for the record; the gravest where they cannot be told."""
    try:
        if facts.tool is not None:
            return risk_of(facts, policy).level, applied(facts, policy)
    except Exception:  # noqa: S110 - the checks have already denied what cannot be described
        pass
    return Risk.HIGH, Maturity.IN_THE_LOOP
