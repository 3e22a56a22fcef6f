"""The forms of a policy's entries: fields filled in from the document, read back into it. Reads only.

What somebody wrote stays as it was written until it is taken: a misfit is told at its field, and nothing is lost.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from approvals.policy.document import Compares
from approvals.reading.policies import BOUNDS, COMPARES
from tools.kinds import Category
from tools.wording import TOUCHES

MOST_ROWS: Final = 20
SPANS: Final = (("1", "seconds"), ("60", "minutes"), ("3600", "hours"), ("86400", "days"))
LISTS: Final = ("tools", "agents", "initiators", "teams")
"""Parts of what an entry is about that are lists of names."""
_PATH: Final = re.compile(r"^(?:rules|limits|exceptions)\[(\d+)\]\.(.*)$")
_CONDITION: Final = re.compile(r"^when\[(\d+)\]\.(argument|compares|value)")


@dataclass(frozen=True)
class Field:
    """One field of a form."""

    key: str
    label: str
    kind: str = "text"
    """text, names, number, choice, flag or lines."""
    written: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Condition:
    """One row of a condition: argument, comparison, value."""

    number: int
    argument: Field
    compares: Field
    value: Field

    @property
    def error(self) -> str:
        """Whatever is wrong with the row."""
        return "; ".join(one.error for one in (self.argument, self.compares, self.value) if one.error)


@dataclass(frozen=True)
class Form:
    """A whole form: whom it is about, when, what it asks."""

    kind: str
    about: tuple[Field, ...]
    categories: tuple[Field, ...]
    when: tuple[Condition, ...]
    asks: tuple[Field, ...]
    unplaced: tuple[str, ...] = ()

    def fields(self) -> Iterable[Field]:
        """All of them, in the order of the page."""
        yield from self.about
        yield from self.categories
        for row in self.when:
            yield from (row.argument, row.compares, row.value)
        yield from self.asks


_ANSWER: Final = Field("answer", "Then", "choice", choices=(("review", "People approve it"), ("deny", "It is refused")))
_QUORUM: Final = Field("quorum", "How many people", "number", hint="Different people, none of whom asked for it.")
_WHY: Final = Field("because", "Said with it", hint="Reviewers read this beside the finding.")
_ID: Final = Field("id", "Name", hint="Lower-case letters, digits and hyphens. Findings and the record use it.")
_PLACE: Final = Field("place", "Place in the order", "number", hint="1 is read first.")
ASKS: Final[dict[str, tuple[Field, ...]]] = {
    "rules": (
        _ANSWER,
        _QUORUM,
        Field("approvers", "Among them", "names", hint="Team and how many, such as finance 1, managers 2."),
        Field("expiry", "Minutes to decide", hint="Empty: as everywhere. Time that runs out is a no."),
        Field(
            "chain", "If nobody takes it", "names",
            hint="After how many minutes which team is asked too, such as 10 managers, 30 directors.",
        ),
        _WHY,
        _ID,
        _PLACE,
    ),
    "limits": (
        Field("counts", "What is counted", "choice", choices=(("calls", "Calls"), ("amount", "Money"))),
        Field("most", "The most", "number", hint="Within the window, this call included."),
        Field("unit", "Currency", hint="For money: three capital letters, such as EUR."),
        Field("window", "In how long", "number"),
        Field("span", "Of what", "choice", choices=SPANS),
        Field("per", "Counted together", "choice", choices=(
            ("initiator", "For each person"), ("agent", "For each agent"), ("tool", "For each tool"),
            ("organization", "For the whole organization"),
        )),
        Field("answer", "Beyond it", "choice", choices=_ANSWER.choices),
        _QUORUM,
        _WHY,
        _ID,
        _PLACE,
    ),
    "exceptions": (
        Field("maturity", "Never freer than", "choice", choices=(
            ("in_the_loop", "In the loop: a person approves"), ("on_the_loop", "On the loop: a veto window"),
        )),
        Field("veto_seconds", "Seconds to object", "number", hint="On the loop only."),
        _WHY,
        _ID,
        _PLACE,
    ),
}  # fmt: skip
"""What the entries of each kind ask, beyond whom they are about and when."""
_ABOUT: Final = (
    Field("tools", "Tools", "names", hint="By name, with commas between. Empty: every tool."),
    Field("agents", "Agents", "names", hint="Empty: every agent."),
    Field("initiators", "On behalf of", "names", hint="People. Empty: everybody."),
    Field("teams", "On behalf of people of", "names", hint="Teams. Empty: all."),
)


def blank(kind: str, place: int, *, rows: int = 1) -> Form:
    """An empty form for a new entry at this place."""
    first = {
        "place": str(place), "quorum": "2" if kind == "rules" else "1", "answer": "review", "per": "initiator",
        "counts": "calls", "window": "1", "span": "86400", "maturity": "in_the_loop",
    }  # fmt: skip
    return _form(kind, first, rows)


def filled(kind: str, entry: Mapping[str, Any], place: int) -> Form:
    """The form of an entry, as the document has it."""
    about = entry.get("about", {})
    found: dict[str, str] = {name: ", ".join(about.get(name, ())) for name in LISTS}
    found |= {f"category_{name}": "on" for name in about.get("categories", ())}
    for number, one in enumerate(entry.get("when", ())):
        value = one.get("value", "")
        found |= {
            f"w{number}_argument": one["argument"],
            f"w{number}_compares": one["compares"],
            f"w{number}_value": value if isinstance(value, str) else ", ".join(value),
        }
    for name in ("id", "answer", "quorum", "counts", "most", "unit", "per", "maturity", "veto_seconds"):
        found[name] = str(entry.get(name, ""))
    found["approvers"] = ", ".join(f"{team} {number}" for team, number in entry.get("teams", {}).items())
    if seconds := entry.get("expires_seconds"):
        found["expiry"] = _minutes(seconds)
    found["chain"] = ", ".join(f"{_minutes(step['after'])} {step['team']}" for step in entry.get("escalation", ()))
    found["because"], found["place"] = entry.get("reason", ""), str(place)
    if "seconds" in entry:
        size = next(int(size) for size, _ in reversed(SPANS) if entry["seconds"] % int(size) == 0)
        found["window"], found["span"] = str(entry["seconds"] // size), str(size)
    return _form(kind, found, max(1, len(entry.get("when", ()))))


def keys(kind: str) -> list[str]:
    """Every field that a form of this kind may send."""
    rows = [f"w{n}_{part}" for n in range(MOST_ROWS) for part in ("argument", "compares", "value")]
    categories = [f"category_{category}" for category in Category]
    return [*(one.key for one in _ABOUT), *categories, *rows, *(one.key for one in ASKS[kind]), "tiers"]


def written(kind: str, form: Mapping[str, str], *, more: bool = False) -> Form:
    """The form with what somebody wrote into it, and one more row for a condition where that is asked for."""
    rows = max([n + 1 for n in range(MOST_ROWS) if form.get(f"w{n}_argument", "").strip()], default=0)
    return _form(kind, form, min(MOST_ROWS, max(1, rows + more)))


def _form(kind: str, found: Mapping[str, str], rows: int) -> Form:
    def put(field: Field) -> Field:
        return replace(field, written=found.get(field.key, ""))

    compares = tuple((one.value, word) for one, word in COMPARES.items())
    return Form(
        kind=kind,
        about=tuple(put(field) for field in _ABOUT),
        categories=tuple(put(Field(f"category_{one}", TOUCHES[one], "flag")) for one in Category),
        when=()
        if kind == "limits"
        else tuple(
            Condition(
                n,
                put(Field(f"w{n}_argument", "Argument")),
                put(Field(f"w{n}_compares", "compared", "choice", choices=compares)),
                put(Field(f"w{n}_value", "with")),
            )
            for n in range(rows)
        ),
        asks=tuple(put(field) for field in ASKS[kind]),
    )


def entry_of(form: Form, tiers: Iterable[str] = ()) -> dict[str, Any]:
    """The entry that a form says, as the document writes it. What does not fit is the document's reader to tell."""
    said = {field.key: field.written.strip() for field in form.fields()}
    about: dict[str, Any] = {name: names for name in LISTS if (names := _names(said[name]))}
    if categories := [one.value for one in Category if said[f"category_{one}"]]:
        about["categories"] = categories
    if tiers := list(tiers):
        about["tiers"] = tiers
    entry: dict[str, Any] = {"id": said["id"], "about": about, "reason": said["because"]}
    if form.kind != "limits":
        entry["when"] = [_said(row) for row in form.when if row.argument.written.strip()]
    if form.kind == "exceptions":
        seconds = {"veto_seconds": _whole(said["veto_seconds"])} if said["veto_seconds"] else {}
        on_the_loop = said["maturity"] == "on_the_loop"
        return {**entry, "maturity": said["maturity"], **(seconds if on_the_loop else {})}
    entry["answer"] = said["answer"]
    if said["answer"] != "deny":
        entry["quorum"] = _whole(said["quorum"] or "1")
    if form.kind == "limits":
        entry |= {"per": said["per"], "counts": said["counts"], "most": said["most"]}
        window, span = _whole(said["window"]), _whole(said["span"])
        entry["seconds"] = window * span if isinstance(window, int) and isinstance(span, int) else said["window"]
        return {**entry, **({"unit": said["unit"]} if said["unit"] else {})}
    if said["answer"] == "deny":
        return entry
    if teams := {team: _whole(number) for team, number in map(_team, _names(said["approvers"]))}:
        entry["teams"] = teams
    if said["expiry"]:
        entry["expires_seconds"] = _seconds(said["expiry"])
    if steps := [_step(one) for one in _names(said["chain"])]:
        entry["escalation"] = steps
    return entry


def _said(row: Condition) -> dict[str, Any]:
    compares, value = row.compares.written, row.value.written.strip()
    said: dict[str, Any] = {"argument": row.argument.written.strip(), "compares": compares}
    if compares in {Compares.AMONG, Compares.NOT_AMONG}:
        return {**said, "value": _names(value)}
    return said if compares in {Compares.PRESENT, Compares.ABSENT} else {**said, "value": value}


def _names(text: str) -> list[str]:
    return [name.strip() for name in re.split(r"[,\n]", text) if name.strip()]


def _team(text: str) -> tuple[str, str]:
    name, _, number = text.rpartition(" ")
    return (name.rstrip(" :"), number) if name and number.isdigit() else (text, "1")


def _minutes(seconds: int) -> str:
    """Minutes as a form says them; with an s behind it, seconds that make no whole minutes."""
    return f"{seconds}s" if seconds % 60 else str(seconds // 60)


def _seconds(text: str) -> Any:
    """What `_minutes` wrote as seconds, or the text as it is, which the document's reader then refuses."""
    number, size = (text[:-1], 1) if text.endswith("s") else (text, 60)
    found = _whole(number)
    return found * size if isinstance(found, int) else text


def _step(text: str) -> dict[str, Any]:
    after, _, team = text.partition(" ")
    return {"after": _seconds(after), "team": team.strip()}


def _whole(text: str) -> Any:
    """A whole number, or the text as it is, which the document's reader then refuses with its path."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


_KEY: Final = {
    "reason": "because", "seconds": "window", "teams": "approvers", "expires_seconds": "expiry", "escalation": "chain",
}  # fmt: skip


def told(form: Form, problems: Iterable[tuple[str, str]], index: int) -> Form:
    """The form with what is wrong at each field; what belongs to none of them stands beside."""
    at: dict[str, list[str]] = {}
    left = []
    known = {field.key for field in form.fields()}
    shown = [row.number for row in form.when if row.argument.written.strip()]
    for path, message in problems:
        key = ""
        if (found := _PATH.match(path)) and int(found[1]) == index:
            rest = found[2]
            if condition := _CONDITION.match(rest):
                key = f"w{shown[int(condition[1])]}_{condition[2]}"
            elif rest.startswith("about."):
                key = re.split(r"[\[.]", rest.removeprefix("about."))[0]
            else:
                name = re.split(r"[\[.]", rest)[0]
                key = _KEY.get(name, name)
        if key in known:
            at.setdefault(key, []).append(message)
        else:
            left.append(f"{path}: {message}" if path else message)

    def mark(field: Field) -> Field:
        return replace(field, error="; ".join(at.get(field.key, ())))

    return replace(
        form,
        about=tuple(map(mark, form.about)),
        asks=tuple(map(mark, form.asks)),
        when=tuple(
            replace(row, argument=mark(row.argument), compares=mark(row.compares), value=mark(row.value))
            for row in form.when
        ),
        unplaced=tuple(left),
    )


def bounds_of(document: Mapping[str, Any]) -> list[Field]:
    """The bounds as fields, and the exposures as lines."""
    fields = [Field(name, label, "number", str(document[name]), hint) for name, (label, hint) in BOUNDS.items()]
    lines = "\n".join(f"{currency} {most}" for currency, most in document["exposure"].items())
    hint = "A currency and the most of it on each line, over all tools: EUR 5000."
    return [*fields, Field("exposure", "Money that a day may move", "lines", lines, hint)]


def bounds_said(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form of bounds says, as the document writes it."""
    said: dict[str, Any] = {}
    for name in BOUNDS:
        text = form[name].strip()
        said[name] = text if name == "most_cost" else _share(text) if name == "confidence" else _whole(text)
    lines = [line.split(None, 1) for line in form["exposure"].splitlines() if line.strip()]
    said["exposure"] = {line[0]: line[1].strip() if len(line) > 1 else "" for line in lines}
    return said


def marked(field: Field, text: str, problems: Iterable[tuple[str, str]]) -> Field:
    """A field of the bounds with what somebody wrote, and what is wrong with it."""
    mine = [said for path, said in problems if path == field.key or path.startswith(f"{field.key}.")]
    return replace(field, written=text.replace("\r\n", "\n"), error="; ".join(mine))


def with_tool(form: Form, name: str) -> Form:
    """The form with a tool filled in, for a link that comes from the tool."""
    return replace(
        form, about=tuple(replace(one, written=name[:120]) if one.key == "tools" else one for one in form.about)
    )


def _share(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
