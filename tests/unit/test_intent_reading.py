"""Reading an answer: what is valid comes back as it was meant, everything else is a typed error with a path."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lam_app.planner import errors
from lam_app.planner.draft import Candidate
from lam_app.planner.intent import Act, Ask, Escalate, Finish, ToolCard, carries_text, intent_schema, read_intent

REFUND = ToolCard(
    "refund",
    "Give money back.",
    {
        "type": "object",
        "properties": {
            "order": {"type": "integer"},
            "why": {"type": "string", "default": ""},
            "items": {
                "type": "array",
                "items": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]},
            },
            "day": {"type": "string", "format": "date"},
        },
        "required": ["order"],
        "additionalProperties": False,
    },
    "write",
    "1",
)
TAGS = ToolCard(
    "tag", "Tag.", {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}, "write", "1"
)
TOOLS = [REFUND, TAGS]


def text(following, reasoning="because", considered=()):
    return json.dumps({"reasoning": reasoning, "considered": list(considered), "next": following})


def act(arguments, tool="refund", confidence=0.5, **more):
    return {"kind": "act", "tool": tool, "arguments": arguments, "confidence": confidence, **more}


FULL = {"order": 7, "why": None, "items": None, "day": None}


def test_an_act_comes_back_with_its_nulls_left_out():
    rival = {"candidate": "tag", "why_not": "it gives no money"}
    itself = {"candidate": "refund", "why_not": "?"}
    assert read_intent(text(act(FULL), considered=[rival, itself]), TOOLS) == Act(
        "refund", {"order": 7}, "because", (Candidate("tag", "it gives no money"),), 0.5
    )


def test_open_arguments_come_back_from_their_text():
    following = {"kind": "act", "tool": "tag", "arguments_json": '{"a": "b"}', "confidence": None}
    assert read_intent(text(following), TOOLS) == Act("tag", {"a": "b"}, "because")


@pytest.mark.parametrize(
    ("following", "meant"),
    [
        ({"kind": "finish", "answer": "Done."}, Finish("Done.", "because")),
        ({"kind": "ask", "question": "Which?"}, Ask("Which?", "because")),
        ({"kind": "escalate", "why": "Stuck."}, Escalate("Stuck.", "because")),
    ],
)
def test_the_ways_to_stop_come_back(following, meant):
    assert read_intent(text(following), TOOLS) == meant


BAD = {
    "nothing": ("", errors.Empty, ""),
    "blank": (" \n", errors.Empty, ""),
    "prose": ("I will call refund.", errors.Malformed, ""),
    "cut": (text(act(FULL))[:-1] + ",,", errors.Malformed, ""),
    "a list": ("[]", errors.Malformed, "the answer"),
    "two keys alike": (text(act(FULL))[:-1] + ', "next": {}}', errors.Malformed, "next"),
    "a key too many": (text(act(FULL))[:-1] + ', "permit": true}', errors.Malformed, "permit"),
    "a key too few": ('{"reasoning": "", "considered": []}', errors.Malformed, "next"),
    "NUL": (text(act(FULL), reasoning="a\0b"), errors.Malformed, "reasoning"),
    "half a surrogate": (text(act(FULL), reasoning="\ud800"), errors.Malformed, "reasoning"),
    "not a number": (text(act({**FULL, "order": float("nan")})), errors.Malformed, "next.arguments.order"),
    "a number beyond doubles": (text(act({**FULL, "order": 2**60})), errors.Malformed, "next.arguments.order"),
    "reasoning that is no text": (text(act(FULL), reasoning=3), errors.Malformed, "reasoning"),
    "a candidate that is no object": (text(act(FULL), considered=["tag"]), errors.Malformed, "considered[0]"),
    "next that is a list": (text([act(FULL)]), errors.Malformed, "next"),
    "an unknown kind": (text({"kind": "execute", "answer": ""}), errors.Malformed, "next.kind"),
    "an empty question": (text({"kind": "ask", "question": " "}), errors.Malformed, "next.question"),
    "a confidence of two": (text(act(FULL, confidence=2)), errors.Malformed, "next.confidence"),
    "a confidence that is true": (text(act(FULL, confidence=True)), errors.Malformed, "next.confidence"),
    "an approval of its own": (text(act(FULL, approved=True)), errors.Malformed, "next.approved"),
    "an unknown tool": (text(act({}, tool="refund_v9")), errors.UnknownTool, "next.tool"),
    "a tool that is no name": (text(act({}, tool=["refund"])), errors.UnknownTool, "next.tool"),
    "another tool's form": (text(act({"a": "b"}, tool="tag")), errors.Malformed, "next.arguments_json"),
    "a missing argument": (text(act({"why": None})), errors.BadArguments, "arguments"),
    "an extra argument": (text(act({**FULL, "force": True})), errors.BadArguments, "arguments"),
    "a wrong type": (text(act({**FULL, "order": {"wrong": ["type"]}})), errors.BadArguments, "arguments.order"),
    "a wrong type inside": (text(act({**FULL, "items": [{"sku": 1}]})), errors.BadArguments, "arguments.items[0].sku"),
    "a day that is none": (text(act({**FULL, "day": "2026-02-31"})), errors.BadArguments, "arguments.day"),
    "a null where a value is required": (text(act({**FULL, "order": None})), errors.BadArguments, "arguments.order"),
    "arguments that are no object": (text(act([1])), errors.BadArguments, "arguments"),
    "open arguments that are no JSON": (
        text({"kind": "act", "tool": "tag", "arguments_json": "{", "confidence": None}),
        errors.BadArguments,
        "arguments",
    ),
    "ten megabytes": (text(act(FULL), reasoning="x" * 10_000_000), errors.TooLarge, ""),
    "deep": ("[" * 100_000, errors.Malformed, ""),
}


@pytest.mark.parametrize(("answer", "kind", "path"), BAD.values(), ids=BAD)
def test_a_bad_answer_is_a_typed_error_with_the_place(answer, kind, path):
    with pytest.raises(errors.PlannerError) as caught:
        read_intent(answer, TOOLS)
    assert type(caught.value) is kind
    assert caught.value.path == path
    assert caught.value.retry
    assert caught.value.correct
    assert len(caught.value.feedback()) < 700


def test_an_error_repeats_no_control_characters_of_the_model():
    with pytest.raises(errors.UnknownTool) as caught:
        read_intent(text(act({}, tool="x\n\x1b]52;\u202e" + "y" * 9000)), TOOLS)
    assert caught.value.message.isprintable()


@dataclass(frozen=True)
class Shape:
    """A schema with pairs of a valid value and the same value as the strict schema has it written."""

    schema: dict
    pairs: st.SearchStrategy


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=6)
SAFE = st.integers(-(2**53) + 1, 2**53 - 1)


def same(strategy):
    return strategy.map(lambda value: (value, value))


LEAVES = st.one_of(
    st.just(Shape({"type": "string"}, same(WORDS))),
    st.just(Shape({"type": "integer"}, same(SAFE))),
    st.just(Shape({"type": "number"}, same(st.floats(-1e15, 1e15).map(lambda x: x + 0.0)))),
    st.just(Shape({"type": "boolean"}, same(st.booleans()))),
    st.lists(WORDS, min_size=1, max_size=3, unique=True).map(
        lambda values: Shape({"enum": values}, same(st.sampled_from(values)))
    ),
    st.just(Shape({"$ref": "#/$defs/Point"}, same(st.fixed_dictionaries({"x": SAFE})))),
)
POINT = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "additionalProperties": False}


def array(inner):
    pairs = st.lists(inner.pairs, max_size=3).map(lambda found: ([a for a, _ in found], [b for _, b in found]))
    return Shape({"type": "array", "items": inner.schema}, pairs)


def nullable(inner):
    return Shape({"anyOf": [inner.schema, {"type": "null"}]}, st.one_of(inner.pairs, st.just((None, None))))


@st.composite
def objects(draw, inner):
    fields = draw(st.dictionaries(NAMES, st.tuples(inner, st.booleans()), max_size=4))
    schema = {
        "type": "object",
        "properties": {name: shape.schema for name, (shape, _) in fields.items()},
        "required": [name for name, (_, needed) in fields.items() if needed],
        "additionalProperties": False,
    }

    @st.composite
    def pairs(draw):
        value, written = {}, {}
        for name, (shape, needed) in fields.items():
            own, wire = draw(shape.pairs)
            if needed or (own is not None and draw(st.booleans())):
                value[name], written[name] = own, wire
            else:
                written[name] = None
        return value, written

    return Shape(schema, pairs())


SHAPES = st.recursive(
    LEAVES, lambda inner: st.one_of(inner.map(array), inner.map(nullable), objects(inner)), max_leaves=6
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_valid_arguments_survive_the_way_to_text_and_back(data):
    shape = data.draw(objects(SHAPES))
    tool = ToolCard("any", "Anything.", {**shape.schema, "$defs": {"Point": POINT}}, "write", "1")
    value, written = data.draw(shape.pairs)
    carried = {"arguments_json": json.dumps(value)} if carries_text(tool) else {"arguments": written}
    answer = {
        "reasoning": "",
        "considered": [],
        "next": {"kind": "act", "tool": "any", **carried, "confidence": None},
    }
    Draft202012Validator(intent_schema([tool])).validate(answer)
    assert read_intent(json.dumps(answer), [tool]) == Act("any", value, "")
