"""What a run means to do beside what became of it, as its page and an action's evidence show it. Reads only."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from approvals.models import Action
from approvals.reading.shown import MASK
from approvals.states import SETTLED
from lam_app.models import Run, RunPlan
from lam_app.planner.planning import Plan, PlanStep, plan_of
from lam_app.planted import plan_row
from lam_app.states import FINISHED
from tools.contract import Contract
from tools.models import Tool

WIDE, HIGH = 176, 52
"""Of a node in the drawing, in its own units."""
ACROSS, DOWN = 224, 72
"""From one node to the next, to the right and below."""
MOST_ACROSS, MOST_DOWN = 4, 5
"""Beyond these a drawing says less than the list does."""
LONGEST_LABEL: Final = 21


@dataclass(frozen=True)
class Node:
    """One planned step: our own name for its tool, the model's words for it, and what became of it."""

    number: int
    label: str
    tool: str
    does: str
    arguments: tuple[tuple[str, str], ...]
    after: tuple[int, ...]
    action: Action | None
    current: bool
    over: bool
    """Whether the run has ended, so that what was not taken never will be."""
    x: int
    y: int

    @property
    def status(self) -> str:
        """The action's status; a step that is only planned is as good as one that is proposed."""
        return self.action.status if self.action else "proposed"

    @property
    def short(self) -> str:
        """Number and name, as they fit into the drawing."""
        text = f"{self.number} {self.label}"
        return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1].rstrip()}…"

    @property
    def waits_for(self) -> str:
        """What has to come before a step that nobody has proposed yet, or that nobody will."""
        if self.over:
            return "Not taken"
        if not self.after:
            return "Planned"
        return f"After {'steps' if len(self.after) > 1 else 'step'} {' and '.join(map(str, self.after))}"


@dataclass(frozen=True)
class Edge:
    """A line of the drawing, from a step to one that needs it; ``open`` until the first is done."""

    path: str
    open: bool


@dataclass(frozen=True)
class Outline:
    """A run's plan: the agent's words, except for names of tools and what became of the steps."""

    goal: str
    corrected: bool
    """Whether the goal reads as a person wrote it, and the agent has not planned for that yet."""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    missing: tuple[str, ...]
    beside: int
    """Steps that were taken although the plan does not have them."""
    number: int

    @property
    def drawn(self) -> bool:
        """Whether it is small enough to be drawn."""
        fits = all(node.x < MOST_ACROSS * ACROSS and node.y < MOST_DOWN * DOWN for node in self.nodes)
        return len(self.nodes) > 1 and fits

    @property
    def width(self) -> int:
        """Of the drawing."""
        return max((node.x for node in self.nodes), default=0) + WIDE + 10

    @property
    def height(self) -> int:
        """Of the drawing."""
        return max((node.y for node in self.nodes), default=0) + HIGH + 10

    @property
    def done(self) -> int:
        """How many planned steps are done."""
        return sum(node.status == "done" for node in self.nodes)

    @property
    def told(self) -> str:
        """The drawing in one sentence, for those who do not see it."""
        return "Plan: " + "; ".join(
            f"{node.number} {node.label} {'is ' + node.status.replace('_', ' ') if node.action else 'is planned'}"
            for node in self.nodes
        )


def outline(run: Run, actions: Sequence[Action], step: int = 0) -> Outline | None:
    """The newest plan of a run with what became of its steps, or None where there is none.

    ``step`` is the one to mark; 0 marks the one that moves now, or else the next. Two queries.
    """
    row = RunPlan.objects.filter(organization_id=run.organization_id, run=run).order_by("-number").first()
    row = row or plan_row(run, actions)
    if row is None:
        return None
    plan = plan_of({"goal": row.goal, "steps": row.steps, "missing": row.missing}) or Plan(row.goal)
    since = [action for action in actions if action.created >= row.created and action.undo_of is None]
    taken = _taken(plan.steps, since)
    over = run.status in FINISHED
    marked = 0 if over and not step else _marked(plan.steps, taken, step)
    after = _after(plan.steps)
    places = _places(after)
    contracts = _contracts(run.organization_id, {one.tool for one in plan.steps})
    nodes = tuple(
        replace(
            _node(number, one, contracts.get(one.tool), places[number - 1]),
            after=after[number - 1],
            action=taken.get(number),
            current=number == marked,
            over=over,
        )
        for number, one in enumerate(plan.steps, 1)
    )
    return Outline(
        goal=plan.goal,
        corrected=row.author_id is not None,
        nodes=nodes,
        edges=tuple(_edge(nodes[before - 1], node) for node in nodes for before in node.after),
        missing=plan.missing,
        beside=len(since) - len(taken),
        number=row.number,
    )


def _taken(steps: Sequence[PlanStep], actions: Sequence[Action]) -> dict[int, Action]:
    """Which action is which planned step: the first one of that tool that no earlier action has served.

    What was refused, rejected or withdrawn is tried again under the same step: the last attempt counts.
    """
    found: dict[int, Action] = {}
    for action in actions:
        free = (n for n, one in enumerate(steps, 1) if one.tool == action.tool_name and _free(found.get(n)))
        number = next(free, None)
        if number is not None:
            found[number] = action
    return found


def _free(before: Action | None) -> bool:
    return before is None or (before.status in SETTLED and before.status not in {"done", "undone", "uncertain"})


def _marked(steps: Sequence[PlanStep], taken: dict[int, Action], step: int) -> int:
    if step:
        return next((number for number, action in taken.items() if action.step == step), 0)
    moving = (number for number, action in taken.items() if action.status not in SETTLED)
    ahead = (number for number in range(1, len(steps) + 1) if number not in taken)
    return next(moving, 0) or next(ahead, 0)


def _after(steps: Sequence[PlanStep]) -> list[tuple[int, ...]]:
    """What each step needs; where the plan names no needs at all, its steps follow each other."""
    if any(one.after for one in steps):
        return [one.after for one in steps]
    return [(number,) if number else () for number in range(len(steps))]


def _places(after: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Where each step is drawn: behind all that it needs, below whatever stands there."""
    columns: list[int] = []
    for needs in after:
        columns.append(max((columns[before - 1] + 1 for before in needs), default=0))
    tall = max((columns.count(column) for column in columns), default=0)
    places, filled = [], dict.fromkeys(columns, 0)
    for column in columns:
        room = (tall - columns.count(column)) * DOWN // 2
        places.append((10 + column * ACROSS, 10 + room + filled[column] * DOWN))
        filled[column] += 1
    return places


def _node(number: int, step: PlanStep, contract: Contract | None, place: tuple[int, int]) -> Node:
    """A step as it was planned; what became of it is put to it afterwards."""
    hidden = contract.secret_fields if contract else ()
    known = tuple((one.name, MASK if one.name in hidden else one.value) for one in step.arguments)
    label = contract.title if contract else step.tool
    x, y = place
    return Node(number, label, step.tool, step.does, known, (), None, current=False, over=False, x=x, y=y)


def _edge(first: Node, then: Node) -> Edge:
    x1, y1, x2, y2 = first.x + WIDE, first.y + HIGH // 2, then.x, then.y + HIGH // 2
    middle = (x1 + x2) // 2
    return Edge(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", first.status not in {"done", "undone"})


def _contracts(organization: uuid.UUID, names: set[str]) -> dict[str, Contract]:
    tools = Tool.objects.within(organization).filter(name__in=names).select_related("version")
    return {tool.name: Contract.from_json(tool.version.contract) for tool in tools if tool.version}
