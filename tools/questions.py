"""The six questions that a tool's owner has to be able to answer, each answered from rows.

Scope, workflow, permission level, approval gates, monitoring, rollback and escalation. What is missing comes with the
place where it is set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from accounts.models import Agent
from tools.kinds import Tier
from tools.matrix import Holder
from tools.shown import MATURITIES, Offered

SHOWN: Final = 5
"""Names in one answer."""


@dataclass(frozen=True)
class Answer:
    """One line of an answer: known or missing, from what, and where it is set."""

    met: bool
    name: str
    evidence: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True)
class Question:
    """One of the six."""

    name: str
    asks: str
    answers: tuple[Answer, ...]

    @property
    def met(self) -> bool:
        """Whether nothing is missing."""
        return all(answer.met for answer in self.answers)


def questions(one: Offered, holders: dict[str, tuple[Holder, ...]], agents: Sequence[Agent]) -> list[Question]:
    """The six questions about a tool, answered as things stand. Reads no rows of its own."""
    listed = {item.key: item for item in one.readiness.items} if one.readiness else {}
    matrix = f"{reverse('matrix')}?q={one.tool.name}&tool={one.tool.pk}"

    def item(key: str) -> Answer:
        found = listed[key]
        return Answer(found.met, found.name, found.evidence, found.href, found.link)

    def people(right: str, name: str) -> Answer:
        found = holders.get(right, ())
        return Answer(bool(found), name, _names(h.name for h in found) or "Nobody", matrix, "Give the right")

    here = reverse("tool", args=[one.tool.pk])
    contract = one.contract
    reaches = ", ".join(contract.network) if contract and contract.network else "nobody outside"
    touches = ", ".join(word.lower() for word in one.touches) or "nothing that asks for a person by itself"
    deep = [agent.name for agent in agents if Tier(agent.tier) >= Tier(one.tool.tier)]
    writes = contract is not None and contract.tier > Tier.READ
    return [
        Question(
            "Scope",
            "What may it do, and what may it not?",
            (
                Answer(bool(contract), "What it does", contract.description if contract else "No version is on offer"),
                item("schema"),
                Answer(True, "Touches", f"{one.reach}; {touches}; it talks to {reaches}"),
            ),
        ),
        Question(
            "Workflow",
            "Who has it call, and what becomes of a call?",
            (
                Answer(
                    bool(agents),
                    "Agents that may propose it",
                    _names(agent.name for agent in agents) or "None",
                    reverse("agents"),
                    "List it for an agent",
                ),
                item("preview"),
                item("idempotency"),
            ),
        ),
        Question(
            "Permission level",
            "For whom, and how deep?",
            (
                people("use", "People it may act for"),
                Answer(
                    bool(deep),
                    "Reach",
                    f"{one.reach}; {_names(deep)} may reach so deep" if deep else f"{one.reach}: no agent may so deep",
                    reverse("agents"),
                    "Set an agent's ceiling",
                ),
                people("configure", "People who set how freely it acts"),
            ),
        ),
        Question(
            "Approval gates",
            "Who is asked before it acts?",
            (
                Answer(True, "How freely", f"{one.freedom}. {MATURITIES[one.tool.maturity][2]}"),
                item("approvers"),
                item("limits"),
                item("categories"),
            ),
        ),
        Question(
            "Monitoring",
            "How would anybody notice that it goes wrong?",
            (
                item("samples"),
                Answer(
                    not writes or bool(contract and contract.verify),
                    "Asked afterwards whether the effect holds",
                    "It only reads" if not writes else "Yes" if contract and contract.verify else "It cannot be asked",
                    f"{here}#contract",
                    "Who can change that",
                ),
                people("audit", "People who read what it did"),
            ),
        ),
        Question(
            "Rollback and escalation",
            "What if it did?",
            (item("undo"), people("stop", "People who may stop it"), item("owner")),
        ),
    ]


def _names(names: Iterable[str]) -> str:
    found = sorted(set(names))
    return ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
