"""What the model is told it may answer, and the strict reading of what it answers.

The answer is one object: `reasoning`, `considered` (tools left aside, with why), and `next`, which is exactly one of
act (one branch for each tool, with that tool's arguments), finish, ask, escalate. Reasoning comes first because a model
writes in order and should think before it chooses. The first answer of a run states a plan as well (`planning`). Pure:
no Django, Celery or network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lam_app.planner import errors
from lam_app.planner.draft import Candidate
from lam_app.planner.planning import Plan, plan_schema
from lam_app.planner.strict import NotStrict, Schema, strict, without_left_out
from traces.canonical import JSON, BadJSON, at_key, digest, parse

LARGEST_ANSWER = 200_000
"""Bytes of one answer; the largest arguments that a person can still review are far smaller."""


@dataclass(frozen=True)
class ToolCard:
    """A tool as the planner sees it; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]
    tier: str
    version: str


@dataclass(frozen=True)
class StepSeen:
    """A step that this run has taken; `result` and `error` come from outside, `reason` from the person who decided.

    `changed` says what a person made of the call that was proposed, where somebody did: `tool` and `arguments` are what
    then stood.
    """

    number: int
    tool: str
    arguments: dict[str, Any]
    status: str
    result: object | None = None
    error: str | None = None
    reason: str | None = None
    changed: str | None = None
    trusted: bool = False
    """Whether the tool's result may be believed: its contract says so."""
    before: bool = False
    """Whether it was proposed for the goal as it had been read, before that was corrected."""


@dataclass(frozen=True)
class Attached:
    """A file that came with the goal. Name and text are data from outside; ``digest`` is SHA-256 of its bytes, and
    ``image`` a data URL, empty where the model is shown none.
    """

    name: str
    kind: str
    text: str
    digest: str = ""
    image: str = ""


@dataclass(frozen=True)
class PlannerContext:
    """All that one model call may know. Equal contexts make equal requests, byte for byte, so that a lost answer can be
    asked for again. `corrections` say what was wrong with earlier answers for this same step; `today` is an ISO date in
    `timezone`, the initiator's; `rules` are the organization's; `extra` holds what the initiator added later. `plan` is
    what the model planned before; `corrected` is the goal in the initiator's words, where they found it misread;
    `answers` are what was said in `extra` by people for whom the run acts, without the questions; `attached` are the
    files that came with the goal.
    """

    run_id: str
    goal: str
    initiator: str
    today: str
    timezone: str
    rules: str = ""
    tools: tuple[ToolCard, ...] = ()
    steps: tuple[StepSeen, ...] = ()
    corrections: tuple[str, ...] = ()
    extra: str = ""
    plan: Plan | None = None
    corrected: str = ""
    answers: tuple[str, ...] = ()
    attached: tuple[Attached, ...] = ()

    @property
    def wants_plan(self) -> bool:
        """Whether the next answer has to state a plan: at the beginning, and after the goal was corrected."""
        return bool(self.tools) and self.plan is None and (not self.steps or bool(self.corrected))


@dataclass(frozen=True)
class Act:
    """Propose one call. `confidence` is the model's word about itself: shown, never used."""

    tool: str
    arguments: dict[str, Any]
    reasoning: str
    considered: tuple[Candidate, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True)
class Finish:
    """The goal is reached, in the model's words; the run's report is made from the ledger, not from these."""

    summary: str
    reasoning: str


@dataclass(frozen=True)
class Ask:
    """Something is missing that only the initiator knows."""

    question: str
    reasoning: str


@dataclass(frozen=True)
class Escalate:
    """The model cannot go on and a person has to look."""

    why: str
    reasoning: str


Intent: TypeAlias = Act | Finish | Ask | Escalate

_SPEECH: dict[str, tuple[type[Finish] | type[Ask] | type[Escalate], str, str]] = {
    "finish": (Finish, "answer", "what to tell the person who asked: what was done and what was not"),
    "ask": (Ask, "question", "the one question to the person who asked"),
    "escalate": (Escalate, "why", "why a person has to take over"),
}


def intent_schema(tools: Sequence[ToolCard], *, planning: bool = False) -> Schema:
    """The strict JSON Schema of an answer, for structured outputs; ``planning`` asks for a plan beside the first step.

    A tool whose arguments cannot be written strictly carries them as text in `arguments_json` in place of `arguments`.
    """
    text = {"type": "string"}
    branches = [_act(tool) for tool in tools]
    branches += [
        _closed({"kind": {"type": "string", "const": kind}, word: {"type": "string", "description": meaning}})
        for kind, (_, word, meaning) in _SPEECH.items()
    ]
    return _closed(
        {
            "reasoning": {"type": "string", "description": "why this is the next step, in one to three sentences"},
            **({"plan": plan_schema([tool.name for tool in tools])} if planning else {}),
            "considered": {
                "type": "array",
                "description": "other tools that were thought of and left aside, at most five",
                "items": _closed({"candidate": text, "why_not": text}),
            },
            "next": {"anyOf": branches},
        }
    )


def schema_digest(schema: Schema) -> str:
    """The name of a schema in traces: the same catalogue gives the same one."""
    return digest("intent-schema", schema)


def read_intent(text: str, tools: Sequence[ToolCard], *, planning: bool = False) -> Intent:
    """The intent that `text` states; raises Empty, Malformed, TooLarge, UnknownTool or BadArguments.

    With `planning` there may be a plan beside it, which `planning.read_plan` reads and nothing here depends on.
    """
    if not text.strip():
        raise errors.Empty
    if len(text) > LARGEST_ANSWER:
        raise errors.TooLarge(f"{len(text)} characters")
    answer = _parsed(text, "")
    if planning and isinstance(answer, dict):
        answer = {key: value for key, value in answer.items() if key != "plan"}
    _keys(answer, "", {"reasoning", "considered", "next"})
    reasoning = _text(answer, "reasoning", "")
    considered = _candidates(answer["considered"])
    following = answer["next"]
    if not isinstance(following, dict):
        raise errors.Malformed("is not an object", path="next")
    kind = following.get("kind")
    if isinstance(kind, str) and kind in _SPEECH:
        meaning, word, _ = _SPEECH[kind]
        _keys(following, "next", {"kind", word})
        return meaning(_text(following, word, "next", needed=True), reasoning)
    if kind != "act":
        raise errors.Malformed("is none of act, finish, ask, escalate", path="next.kind")
    name = following.get("tool")
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        raise errors.UnknownTool(str(name), path="next.tool")
    carried = carries_text(tool)
    _keys(following, "next", {"kind", "tool", "arguments_json" if carried else "arguments", "confidence"})
    arguments = _parsed(_text(following, "arguments_json", "next"), "arguments") if carried else following["arguments"]
    return Act(
        tool=tool.name,
        arguments=_fitting(tool, arguments),
        reasoning=reasoning,
        considered=tuple(one for one in considered if one.tool != tool.name),
        confidence=_confidence(following["confidence"]),
    )


def carries_text(tool: ToolCard) -> bool:
    """Whether the tool's arguments travel as JSON inside a string."""
    return "arguments_json" in _act(tool)["properties"]


def _act(tool: ToolCard) -> Schema:
    try:
        arguments = {"arguments": strict(tool.schema)}
    except NotStrict:
        meaning = "the tool's arguments as one JSON object written into this text"
        arguments = {"arguments_json": {"type": "string", "description": meaning}}
    return _closed(
        {
            "kind": {"type": "string", "const": "act"},
            "tool": {"type": "string", "const": tool.name},
            **arguments,
            "confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        }
    )


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _parsed(text: str, at: str) -> JSON:
    try:
        return parse(text, at=at, max_bytes=LARGEST_ANSWER)
    except BadJSON as error:
        kind = errors.BadArguments if at else errors.Malformed
        raise kind(error.reason, path=error.path) from None


def _keys(value: JSON, at: str, wanted: set[str]) -> None:
    if not isinstance(value, dict):
        raise errors.Malformed("is not an object", path=at or "the answer")
    for key in sorted(wanted - value.keys()):
        raise errors.Malformed("is missing", path=at_key(at, key))
    for key in sorted(value.keys() - wanted):
        raise errors.Malformed("was not asked for", path=at_key(at, key))


def _text(value: dict[str, JSON], key: str, at: str, *, needed: bool = False) -> str:
    found = value[key]
    if not isinstance(found, str):
        raise errors.Malformed("is not text", path=at_key(at, key))
    if needed and not found.strip():
        raise errors.Malformed("is empty", path=at_key(at, key))
    return found


def _candidates(value: JSON) -> tuple[Candidate, ...]:
    if not isinstance(value, list):
        raise errors.Malformed("is not a list", path="considered")
    found = []
    for index, item in enumerate(value):
        at = f"considered[{index}]"
        _keys(item, at, {"candidate", "why_not"})
        found.append(Candidate(_text(item, "candidate", at), _text(item, "why_not", at)))
    return tuple(found)


def _confidence(value: JSON) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise errors.Malformed("is not a number from 0 to 1", path="next.confidence")
    return float(value)


def _fitting(tool: ToolCard, arguments: JSON) -> dict[str, Any]:
    """The arguments with optional nulls taken out, judged by the tool's own schema."""
    from jsonschema import Draft202012Validator  # slow to import, and not everybody who knows an intent reads one
    from jsonschema.exceptions import SchemaError, best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if not isinstance(arguments, dict):
        raise errors.BadArguments("is not an object", path="arguments")
    found: dict[str, Any] = without_left_out(tool.schema, arguments)
    # An empty registry: a `$ref` to the network is refused, never fetched.
    judge = Draft202012Validator(tool.schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    try:
        worst = best_match(judge.iter_errors(found))
    except (Unresolvable, SchemaError, RecursionError):
        raise errors.BadArguments("the schema of this tool cannot be used", path="arguments") from None
    if worst is not None:
        path = "arguments"
        for step in worst.absolute_path:
            path = f"{path}[{step}]" if isinstance(step, int) else at_key(path, str(step))
        raise errors.BadArguments(worst.message, path=path)
    return found
