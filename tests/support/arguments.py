"""Arguments held against a schema: what they become, and what is wrong with them."""

from typing import Any

import pytest

from tools.arguments import ArgumentsRefused, normalise
from tools.schemas import lint


def an_object(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object with these properties and no others."""
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    assert lint(schema) == []
    return schema


def one(schema: dict[str, Any], value: Any, name: str = "x") -> Any:
    """What one value becomes under its schema."""
    return normalise(an_object(**{name: schema}), {name: value}).arguments[name]


def problems(schema: dict[str, Any], arguments: Any, at: str = "") -> dict[str, str]:
    """Everything that is wrong: path to message, each path once."""
    with pytest.raises(ArgumentsRefused) as refused:
        normalise(schema, arguments, at=at)
    assert len({problem.path for problem in refused.value.problems}) == len(refused.value.problems)
    return {problem.path: problem.message for problem in refused.value.problems}


MESSAGE = an_object(
    "to",
    "body",
    to={"type": "string", "format": "email"},
    body={"type": "string", "maxLength": 2_000},
    copies={"type": "integer", "minimum": 1, "maximum": 5, "default": 1},
    tags={"type": "array", "items": {"type": "string", "maxLength": 10}, "maxItems": 3},
    urgency={"type": "string", "enum": ["low", "high"], "default": "low"},
)
