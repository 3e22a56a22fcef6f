"""What the policy answers: a verdict, and every finding that led to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.kinds import Maturity, Ranked, Risk
from traces.canonical import JSON


class Verdict(Ranked):
    """The answers, mildest first; the worst one wins."""

    ALLOW = "allow"
    VETO_WINDOW = "veto_window"
    """Runs after some seconds in which a person may stop it."""
    REVIEW = "review"
    """Waits for people."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    verdict: Verdict
    text: str
    """What was compared with what, for the reviewer."""
    warning: bool = False
    """Whether a reviewer should look twice."""
    quorum: int = 0
    """How many people a review needs."""
    veto_seconds: int = 0
    """How long a veto window stays open."""
    teams: tuple[tuple[str, int], ...] = ()
    """Team and how many of its people a review needs, each of them."""
    rule: str = ""
    """The id of the rule or limit in the policy that found this; empty for a check of its own."""
    expires_seconds: int = 0
    """How long people have to decide; 0 where nothing says so."""
    escalation: tuple[tuple[int, str], ...] = ()
    """After how many seconds in which nobody takes it the people of which team are asked too."""

    def to_json(self) -> dict[str, JSON]:
        return {
            "check": self.check,
            "verdict": self.verdict.value,
            "text": self.text,
            "warning": self.warning,
            "quorum": self.quorum,
            "veto_seconds": self.veto_seconds,
            **({"teams": [list(team) for team in self.teams]} if self.teams else {}),
            **({"rule": self.rule} if self.rule else {}),
            **_limits(self.expires_seconds, self.escalation),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Finding":
        lists = {"teams": _teams(value), "escalation": _steps(value)}
        return cls(**{**value, "verdict": Verdict(value["verdict"]), **lists})


@dataclass(frozen=True, slots=True)
class Ruling:
    """The policy's whole answer about one call."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    quorum: int
    """How many people must approve; 0 unless the verdict is REVIEW."""
    veto_seconds: int
    """How long a person may veto; 0 unless the verdict is VETO_WINDOW."""
    risk: Risk
    maturity: Maturity
    """The dial that applied, after what narrows it."""
    teams: tuple[tuple[str, int], ...] = ()
    """Team and how many of its people must be among those who approve: all of these together."""
    unroutable: str = ""
    """Why nobody could approve this as things stand; empty where enough people can."""
    expires_seconds: int = 0
    """How long people have to decide, by the strictest rule that says so; 0: as everywhere."""
    escalation: tuple[tuple[int, str], ...] = ()
    """After how many seconds in which nobody takes it the people of which team are asked too, soonest first."""

    def to_json(self) -> dict[str, JSON]:
        return {
            "verdict": self.verdict.value,
            "findings": [finding.to_json() for finding in self.findings],
            "quorum": self.quorum,
            "veto_seconds": self.veto_seconds,
            "risk": self.risk.value,
            "maturity": self.maturity.value,
            "teams": [list(team) for team in self.teams],
            "unroutable": self.unroutable,
            **_limits(self.expires_seconds, self.escalation),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Ruling":
        """The ruling that `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        return cls(
            verdict=Verdict(value["verdict"]),
            findings=tuple(Finding.from_json(finding) for finding in value["findings"]),
            quorum=value["quorum"],
            veto_seconds=value["veto_seconds"],
            risk=Risk(value["risk"]),
            maturity=Maturity(value["maturity"]),
            teams=_teams(value),
            unroutable=value.get("unroutable", ""),
            expires_seconds=value.get("expires_seconds", 0),
            escalation=_steps(value),
        )


def _teams(value: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((name, needed) for name, needed in value.get("teams", ()))


def _limits(seconds: int, steps: tuple[tuple[int, str], ...]) -> dict[str, JSON]:
    """The parts that most rulings do not have, where this one has them."""
    return {
        **({"expires_seconds": seconds} if seconds else {}),
        **({"escalation": [list(step) for step in steps]} if steps else {}),
    }


def _steps(value: Mapping[str, Any]) -> tuple[tuple[int, str], ...]:
    return tuple((after, team) for after, team in value.get("escalation", ()))
