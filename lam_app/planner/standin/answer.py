"""Reads a chat request and decides what to say: the stand-in's whole mind."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from lam_app.planner.standin import clauses, filling, finding, matching
from lam_app.planner.standin.clauses import Clause
from lam_app.planner.standin.matching import Match, Tool
from lam_app.planner.standin.words import JSON

_FENCED = r"<{0} (?P<mark>[0-9a-f]{{12}})>\n(?P<text>.*?)\n</{0} (?P=mark)>"
_GOAL = re.compile(_FENCED.format("goal"), re.DOTALL)
_ADDED = re.compile(_FENCED.format("added"), re.DOTALL)
_OUTSIDE = re.compile(
    r"<(?P<label>goal|added|corrected|attachment|plan|result|error) (?P<mark>[0-9a-f]{12})>\n.*?\n"
    r"</(?P=label) (?P=mark)>",
    re.DOTALL,
)
_CORRECTED = re.compile(_FENCED.format("corrected"), re.DOTALL)
_ATTACHED = re.compile(_FENCED.format("attachment"), re.DOTALL)
_TODAY = re.compile(r"^Today is \w+ (\d{4}-\d{2}-\d{2})", re.MULTILINE)
_DIM = 1e-9
"""The least probability that is told, so that its logarithm exists."""


class NotForMe(ValueError):
    """This is not a request that Countersign's planner makes, and the stand-in understands no other."""


@dataclass(frozen=True)
class Step:
    """A step that the prompt tells of."""

    number: int
    tool: str
    arguments: dict[str, Any]
    status: str
    reason: str
    before: bool = False
    """Whether it was taken for the goal as it stood before it was corrected."""


@dataclass(frozen=True)
class Request:
    """What a request holds, read back out of its prompt and its schema."""

    goal: str
    added: str
    today: date
    tools: tuple[Tool, ...]
    steps: tuple[Step, ...]
    plans: bool = False
    """Whether the answer has to state a plan as well."""
    attached: str = ""
    """What the attached files say."""


@dataclass(frozen=True)
class Answer:
    """What is said, and how the probability was shared out over the tools."""

    said: dict[str, Any]
    matches: tuple[Match, ...] = ()


def read(body: dict[str, Any]) -> Request:
    """The request behind a chat completion's body, or NotForMe."""
    text = "\n".join(_texts(body.get("messages")))
    form = body.get("response_format")
    named = form.get("json_schema") if isinstance(form, dict) else None
    schema = named.get("schema") if isinstance(named, dict) else None
    goal, today = _GOAL.search(text), _TODAY.search(text)
    if not isinstance(schema, dict) or goal is None or today is None:
        raise NotForMe
    added = _ADDED.search(text)
    goal = _CORRECTED.search(text) or goal
    told = {line["tool"]: line for line in _lines(_OUTSIDE.sub("", text)) if "parameters" in line}
    steps = [line for line in _lines(_OUTSIDE.sub("", text)) if "step" in line and "status" in line]
    try:
        tools = tuple(
            _tool(branch, told) for branch in schema["properties"]["next"]["anyOf"] if "tool" in branch["properties"]
        )
    except (KeyError, TypeError):
        raise NotForMe from None
    return Request(
        goal=goal["text"],
        added=added["text"] if added else "",
        today=date.fromisoformat(today[1]),
        tools=tools,
        steps=tuple(
            Step(
                line["step"],
                str(line["tool"]),
                dict(line["arguments"]),
                str(line["status"]),
                str(line.get("reason", "")),
                bool(line.get("before the goal was corrected")),
            )
            for line in steps
            if line["status"] != "withdrawn"  # the goal was corrected under it: it was never done
        ),
        plans="plan" in schema["properties"],
        attached="\n".join(_told_in(found["text"]) for found in _ATTACHED.finditer(text)),
    )


def answer(request: Request) -> Answer:
    """The next intent: the first clause that no step has served yet; and the plan for all of them, where one is due."""
    asked = clauses.split(request.goal, matching.verbs_of(request.tools))
    found = _next(request, asked)
    if not request.plans:
        return found
    reasoning, others = found.said["reasoning"], {k: v for k, v in found.said.items() if k != "reasoning"}
    return Answer({"reasoning": reasoning, "plan": _plan(request, asked), **others}, found.matches)


def _plan(request: Request, asked: list[Clause]) -> dict[str, Any]:
    """A step for each clause, with what the goal says of its arguments; each waits for the one before it."""
    steps: list[dict[str, Any]] = []
    lacking: list[str] = []
    for index, clause in enumerate(asked):
        best = next(iter(matching.ranked(clause, request.tools)), None)
        if best is None or best.score < matching.ENOUGH:
            lacking.append(f"a tool for “{clause.text}”")
            continue
        arguments, missing = _filled(best.tool, request, asked, index)
        lacking += [one.path for one in missing]
        known = [{"name": name, "value": value if isinstance(value, str) else json.dumps(value)}
                 for name, value in arguments.items()]  # fmt: skip
        steps.append(
            {"tool": best.tool.name, "does": clause.text, "arguments": known, "after": [len(steps)] if steps else []}
        )
    return {"goal": "; ".join(clause.text for clause in asked), "steps": steps, "missing": lacking}


def _next(request: Request, asked: list[Clause]) -> Answer:
    last = request.steps[-1] if request.steps else None
    if last is not None and not last.before and last.status not in ("done", "undone"):
        because = f" ({last.reason})" if last.reason else ""
        why = f"Step {last.number} ({last.tool}) was {last.status}{because}, and I know no other way."
        return Answer(
            _said(f"Step {last.number} did not go through, so a person should look.", [], "escalate", "why", why)
        )
    index = _unserved(request, asked)
    if index is None:
        done = "; ".join(clause.text.rstrip("!?") for clause in asked)
        return Answer(_said("Every part of the goal has its step.", [], "finish", "answer", f"Done: {done}."))
    clause = asked[index]
    matches = tuple(matching.ranked(clause, request.tools))
    if not matches or matches[0].score < matching.ENOUGH:
        why = f"None of the tools here fits “{clause.text}”."
        return Answer(_said("No tool scored enough for this part of the goal.", [], "escalate", "why", why), matches)
    best = matches[0]
    arguments, missing = _filled(best.tool, request, asked, index)
    if missing:
        return Answer(
            _said(_why(best, clause), _rivals(matches), "ask", "question", _question(missing[0], clause)), matches
        )
    carried = (
        {"arguments_json": json.dumps(arguments)}
        if best.tool.as_text
        else {"arguments": shaped(best.tool.shape, arguments)}
    )
    following = {"kind": "act", "tool": best.tool.name, **carried, "confidence": round(best.probability, 3)}
    return Answer({"reasoning": _why(best, clause), "considered": _rivals(matches), "next": following}, matches)


def _unserved(request: Request, asked: list[Clause]) -> int | None:
    """The first clause that no step has served yet. Steps serve the clauses in order; one that was taken for the goal
    as it stood before a correction serves only a clause that asks for that very call.
    """
    early = [(step.tool, step.arguments) for step in request.steps if step.before and step.status == "done"]
    left = [n for n in range(len(asked)) if not early or _call(request, asked, n) not in early]
    late = sum(not step.before for step in request.steps)
    return next(iter(left[late:]), None)


def _call(request: Request, asked: list[Clause], index: int) -> tuple[str, dict[str, JSON]]:
    best = next(iter(matching.ranked(asked[index], request.tools)), None)
    return (best.tool.name, _filled(best.tool, request, asked, index)[0]) if best else ("", {})


def _filled(
    tool: Tool, request: Request, asked: list[Clause], index: int
) -> tuple[dict[str, JSON], list[filling.Missing]]:
    """What the request says of the arguments of this clause's tool, and what it lacks."""
    return filling.fill(
        tool,
        finding.Asked(request.goal, request.added, request.today, asked[index], asked[:index], request.attached),
    )


def tokens(text: str, said: Answer) -> Iterator[dict[str, Any]]:
    """The answer's tokens with their log-probabilities: the tool's name is one token, and the tools are its
    alternatives; everything else follows from it and is certain.
    """
    tool = said.said["next"].get("tool")
    at = text.rindex(f'"tool": {json.dumps(tool)}, "arguments') + len('"tool": "') if tool else len(text)
    for piece in re.findall(r"\w+|\s+|[^\w\s]+", text[:at]):
        yield _token(piece, 0.0)
    if tool:
        share = {match.tool.name: math.log(max(match.probability, _DIM)) for match in said.matches}
        yield _token(tool, share[tool]) | {"top_logprobs": [_token(name, value) for name, value in share.items()]}
        for piece in re.findall(r"\w+|\s+|[^\w\s]+", text[at + len(tool) :]):
            yield _token(piece, 0.0)


def shaped(shape: dict[str, Any], value: JSON) -> JSON:
    """`value` as the strict schema wants it: every property there, null where it was left out."""
    if isinstance(value, dict):
        branches = [shape, *shape.get("anyOf", ())]
        form = next((one for one in branches if "properties" in one and value.keys() <= one["properties"].keys()), None)
        if form is None:
            return value
        return {name: shaped(inner, value.get(name)) for name, inner in form["properties"].items()}
    if isinstance(value, list):
        items: dict[str, Any] = next((one["items"] for one in [shape, *shape.get("anyOf", ())] if "items" in one), {})
        return [shaped(items, item) for item in value]
    return value


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode()), "top_logprobs": []}


def _texts(messages: JSON) -> Iterator[str]:
    """The words of every message; it has no eyes for what stands beside them."""
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else [{"text": content}]:
            words = part.get("text") if isinstance(part, dict) else None
            if isinstance(words, str):
                yield words


def _told_in(record: str) -> str:
    """What an attached file says, out of its line of the prompt."""
    try:
        return str(json.loads(record).get("text", ""))
    except (ValueError, AttributeError):
        return ""


def _lines(text: str) -> Iterator[dict[str, Any]]:
    """The records of a prompt: each is one line of JSON that names a tool."""
    for line in text.splitlines():
        if line.startswith("{") and '"tool"' in line:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and isinstance(found.get("tool"), str):
                yield found


def _tool(branch: dict[str, Any], told: dict[str, dict[str, Any]]) -> Tool:
    own = branch["properties"]
    name = own["tool"]["const"]
    line = told.get(name, {})
    shape = own.get("arguments", {})
    return Tool(
        name=name,
        description=str(line.get("description", "")),
        tier=str(line.get("tier", "")),
        parameters=line.get("parameters") or shape,
        shape=shape,
        as_text="arguments_json" in own,
    )


def _said(reasoning: str, considered: list[dict[str, str]], kind: str, word: str, text: str) -> dict[str, Any]:
    return {"reasoning": reasoning, "considered": considered, "next": {"kind": kind, word: text}}


def _why(best: Match, clause: Clause) -> str:
    by = " and ".join(f"“{word}”" for word in best.by) or "its description"
    return (
        f"“{clause.text}” asks for this; the tool was matched by {by}, with {best.probability:.0%} of the probability."
    )


def _rivals(matches: tuple[Match, ...]) -> list[dict[str, str]]:
    rivals = [match for match in matches[1:4] if match.score > 0]
    return [{"candidate": one.tool.name, "why_not": f"It fits less well ({one.probability:.1%})."} for one in rivals]


def _question(missing: filling.Missing, clause: Clause) -> str:
    words = missing.path.replace("_", " ").replace(".", ", ").replace("[0]", "")
    meaning = f" ({missing.description.rstrip('.')})" if missing.description else ""
    purpose = f"To {clause.text[:1].lower()}{clause.text[1:]}" if clause.kind else f"For “{clause.text}”"
    if set(words.split()) & finding.TEXTS:
        return f"{purpose}, I need to know what it should say: the {words}{meaning}. What is it?"
    return f"{purpose}, I need the {words}{meaning}. What is it?"
