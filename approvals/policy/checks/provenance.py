"""Where does each argument come from? Text from outside may be somebody's instruction in disguise.

An argument of a writing tool that comes from outside, or from nobody knows where, asks a person. A call for which
nothing was reported is told apart from that: it says so, and is left to the other checks, because this one can only
raise what is known to be doubtful. What only reads cannot carry anything out and is not held.
"""

from collections.abc import Iterator
from itertools import groupby

from approvals.policy.document import Policy
from approvals.policy.evidence import Origin, Source
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding, Verdict
from tools.kinds import Tier
from tools.text import display

TRUSTED = {
    Source.GOAL: "the goal",
    Source.RECORD: "a trusted record",
    Source.MEMORY: "a fact that a person accepted",
    Source.PERSON: "a reviewer",
}
"""Sources that ask nobody, in words."""

MOST_LISTED = 10


def check(facts: Facts, _policy: Policy) -> Iterator[Finding]:
    if facts.tool is None:
        return
    if not facts.provenance:
        yield Finding("provenance", Verdict.ALLOW, "Where the arguments come from was not reported.")
        return
    doubtful = [origin for origin in facts.provenance if origin.source not in TRUSTED]
    writes = facts.tool.tier > Tier.READ
    for origin in doubtful[:MOST_LISTED]:
        text = _doubt(origin)
        if writes:
            yield Finding("provenance", Verdict.REVIEW, text, warning=True, quorum=1)
        else:
            yield Finding("provenance", Verdict.ALLOW, f"{text[:-1]}, and {facts.tool.name} only reads.")
    if len(doubtful) > MOST_LISTED:
        text = f"… and {len(doubtful) - MOST_LISTED} more arguments whose source is not trusted."
        yield Finding("provenance", Verdict.REVIEW if writes else Verdict.ALLOW, text, warning=writes)
    if not doubtful:
        yield Finding("provenance", Verdict.ALLOW, f"{_listed(facts.provenance)}.")


def _doubt(origin: Origin) -> str:
    path = display(origin.path, one_line=True, limit=80) or "The arguments"
    told = f" ({display(origin.told, one_line=True, limit=120)})" if origin.told else ""
    if origin.source is Source.OUTSIDE:
        return f"{path} comes from text that came from outside{told}."
    return f"Nobody knows where {path} comes from{told}."


def _listed(origins: tuple[Origin, ...]) -> str:
    """Which arguments come from where, each source once."""
    ordered = sorted(origins, key=lambda origin: list(TRUSTED).index(origin.source))
    parts = []
    for source, group in groupby(ordered, key=lambda origin: origin.source):
        paths = [display(origin.path, one_line=True, limit=40) for origin in group]
        more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
        parts.append(f"{', '.join(paths[:5])}{more} from {TRUSTED[source]}")
    return f"Arguments come from where they may: {'; '.join(parts)}"
