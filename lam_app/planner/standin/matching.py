"""Scores the catalogue's tools against one clause."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lam_app.planner.standin.clauses import Clause
from lam_app.planner.standin.words import KIND_OF, PLAIN_ACTS, name_words, offered, stem, stems

ENOUGH = 1.0
"""The score below which a tool has too little to do with what is asked."""
SHARPNESS = 1.6
"""Turns differences of score into odds: a tool that offers the verb beats one that does not by about 100 to 1."""


@dataclass(frozen=True)
class Tool:
    """A tool as the request tells of it; `shape` is what the answer must hold for its arguments."""

    name: str
    description: str
    tier: str
    parameters: dict[str, Any]
    shape: dict[str, Any] = field(default_factory=dict)
    as_text: bool = False


@dataclass(frozen=True)
class Match:
    """A tool, its score, its share of the probability, and the words that it was matched by."""

    tool: Tool
    score: float
    probability: float
    by: tuple[str, ...]


def verbs_of(tools: Sequence[Tool]) -> frozenset[str]:
    """The first words of the tools' names: what can be asked of this catalogue in its own words."""
    return frozenset(words[0] for tool in tools if len(words := name_words(tool.name)) > 1)


def ranked(clause: Clause, tools: Sequence[Tool]) -> list[Match]:
    """All tools, best first; the probabilities are the softmax of the scores."""
    common: dict[str, int] = {}
    for tool in tools:
        for word in {stem(word) for word in name_words(tool.name)}:
            common[word] = common.get(word, 0) + 1
    scored = [(tool, *_score(clause, tool, common)) for tool in tools]
    total = sum(math.exp(SHARPNESS * score) for _, score, _ in scored)
    found = [Match(tool, score, math.exp(SHARPNESS * score) / total, by) for tool, score, by in scored]
    return sorted(found, key=lambda match: (-match.score, match.tool.name))


def _score(clause: Clause, tool: Tool, common: dict[str, int]) -> tuple[float, tuple[str, ...]]:
    names, said = name_words(tool.name), stems(clause.head)
    described = stems(tool.description)
    asked = clause.kind or "nothing"
    kinds = [asked] if clause.kind else [KIND_OF[word] for word in said if word in KIND_OF]
    score, by = 0.0, []
    verb, word = max(((offered(kind, word), word) for kind in kinds for word in names), default=(0.0, ""))
    if verb:
        score += 3 * verb
        by.append(word)
    elif kinds:
        score += 1.2 * max((offered(kind, word) for kind in kinds for word in described), default=0.0)
    for word in names:
        if stem(word) in said:
            score += 1.5 / math.sqrt(common[stem(word)])
            by.append(word)
    score += min(1.2, 0.4 * len(said & described))
    parameters = {stem(word) for name in tool.parameters.get("properties", {}) for word in name_words(name)}
    score += min(0.9, 0.3 * len(said & parameters))
    first = names[0] if names else ""
    if clause.kind and first in KIND_OF and first not in PLAIN_ACTS and not offered(asked, first):
        score -= 1.5  # cancel_refund does not refund
    if clause.kind and tool.tier and (tool.tier == "read") != (asked == "find"):
        score -= 1.5
    return max(0.0, score), tuple(dict.fromkeys(by))
