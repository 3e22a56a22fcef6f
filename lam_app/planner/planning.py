"""The plan that the first answer of a run carries: the goal restated, the steps, and what is not known. Pure.

It is the model's word: shown beside what really happens, told to it again at later steps, and a reason for nothing. So
it is read leniently: what does not fit is left out, and an answer without a plan is as good as one that has it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from lam_app.planner.strict import Schema
from traces.canonical import JSON
from traces.text import storable

MOST_STEPS: Final = 30
MOST_ARGUMENTS: Final = 30
MOST_MISSING: Final = 10
LONGEST_GOAL: Final = 2_000
LONGEST_TEXT: Final = 500
MOST_NAMED: Final = 250
"""Tools of which a step's name can be held to a list; beyond that servers refuse the schema."""


@dataclass(frozen=True)
class Argument:
    """An argument of a planned step as far as it is known: its name, and in words what goes there."""

    name: str
    value: str


@dataclass(frozen=True)
class PlanStep:
    """One planned step; ``after`` are the numbers of the steps, from 1, whose results it needs."""

    tool: str
    does: str
    arguments: tuple[Argument, ...] = ()
    after: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What the model means to do. ``goal`` is the goal as it understood it; ``missing`` is what it does not know."""

    goal: str
    steps: tuple[PlanStep, ...] = ()
    missing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The plan as it is stored."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


def plan_schema(tools: Sequence[str]) -> Schema:
    """The strict JSON Schema of a plan over these tools."""
    text: Schema = {"type": "string"}
    named: Schema = {"type": "string", "enum": list(tools)} if 0 < len(tools) <= MOST_NAMED else text
    step = _closed(
        {
            "tool": named,
            "does": {**text, "description": "what this step is for, in a few words"},
            "arguments": {
                "type": "array",
                "description": "what is known of its arguments, or in words where each will come from",
                "items": _closed({"name": text, "value": text}),
            },
            "after": {
                "type": "array",
                "description": "numbers of steps it needs",
                "items": {"type": "integer"},
            },
        }
    )
    return _closed(
        {
            "goal": {
                **text,
                "description": "the goal in your words, with names, amounts and days as read",
            },
            "steps": {"type": "array", "items": step},
            "missing": {"type": "array", "description": "what only the person who asked can tell", "items": text},
        }
    )


def read_plan(answer: JSON) -> Plan | None:
    """The plan in an answer, or None where it has none that states a goal."""
    found = answer.get("plan") if isinstance(answer, dict) else None
    return plan_of(found)


def plan_of(found: JSON) -> Plan | None:
    """A plan out of JSON, whether a model's or a stored one; None where it states no goal."""
    if not isinstance(found, dict):
        return None
    goal = _text(found.get("goal"), LONGEST_GOAL)
    if not goal:
        return None
    steps: list[PlanStep] = []
    for item in _list(found.get("steps"), MOST_STEPS):
        step = _step(item, len(steps) + 1)
        if step is not None:
            steps.append(step)
    missing = (_text(one, LONGEST_TEXT) for one in _list(found.get("missing"), MOST_MISSING))
    return Plan(goal, tuple(steps), tuple(one for one in missing if one))


def _step(item: JSON, number: int) -> PlanStep | None:
    if not isinstance(item, dict):
        return None
    tool, does = _text(item.get("tool"), 200), _text(item.get("does"), LONGEST_TEXT)
    if not tool:
        return None
    pairs = [one for one in _list(item.get("arguments"), MOST_ARGUMENTS) if isinstance(one, dict)]
    arguments = (Argument(_text(one.get("name"), 200), _text(one.get("value"), LONGEST_TEXT)) for one in pairs)
    after = {
        one
        for one in _list(item.get("after"), MOST_STEPS)
        if isinstance(one, int) and not isinstance(one, bool) and 0 < one < number
    }
    return PlanStep(tool, does, tuple(one for one in arguments if one.name), tuple(sorted(after)))


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(value: JSON, most: int) -> list[JSON]:
    return value[:most] if isinstance(value, list) else []


def _text(value: JSON, longest: int) -> str:
    return storable(" ".join(value.split()))[:longest] if isinstance(value, str) else ""
