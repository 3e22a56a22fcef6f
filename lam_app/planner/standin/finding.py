"""Finds the value of one text or number argument in the goal; what is not there is None, and nothing is made up."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from lam_app.planner.dates import spoken_dates
from lam_app.planner.standin import wording
from lam_app.planner.standin.clauses import ID, Clause, things
from lam_app.planner.standin.matching import Tool
from lam_app.planner.standin.words import JSON, UNITS, listed, name_words, sentence, stem, stems

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
URL = re.compile(r"https?://[^\s\"'<>]+")
MONEY = re.compile(
    r"(?:[$€£]\s?|\b(?:EUR|USD|GBP)\s?)(?P<before>\d+(?:[.,]\d{1,2})?)"
    r"|(?P<after>\d+(?:[.,]\d{1,2})?)\s?(?:[$€£]|(?:EUR|USD|GBP|euros?|dollars?|pounds?)\b)"
)
NUMBER = re.compile(r"(?<![\w.#-])-?\d+(?:\.\d+)?(?![\w-])")
NAMED = re.compile(r"(?<=[a-z,] )(?:[A-Z][\w'-]+)(?: [A-Z][\w'-]+)*")
QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")

AMOUNTS = listed("amount price total sum value cost budget fee")
COUNTS = listed("quantity count qty units nights number seats")
IDENTITY = listed("id number no ref reference code key identifier")
TEXTS = listed("body message text content note comment msg memo")
PEOPLE = listed("name customer person user contact attendee guest")
PROSE = listed("description summary details")
ROLES = {
    "email": listed("email"),
    "url": listed("url uri link"),
    "date": listed("date day when deadline due until"),
    "to": listed("to recipient recipients addressee whom"),
    "reason": listed("reason why cause justification"),
    "about": listed("about regarding re concerning"),
    "text": TEXTS,
    "title": listed("subject title topic headline"),
    "from where": listed("origin departure"),
    "to where": listed("destination arrival"),
    "where": listed("city place location town country venue"),
}
FORMATS = {"email": "email", "uri": "url", "url": "url", "date": "date", "date-time": "date"}


@dataclass(frozen=True)
class Asked:
    """What the arguments are filled from."""

    goal: str
    added: str
    today: date
    clause: Clause
    before: Sequence[Clause]
    attached: str = ""
    """What attached files say: looked through last, and only for what a call cannot do without."""
    widely: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Where to look, nearest first."""
        own = (f"{self.clause.text} {self.clause.why}", self.added, self.goal)
        return (*own, self.attached) if self.widely else own

    @property
    def who(self) -> str | None:
        """Who is to be told."""
        return wording.recipient(self.clause, self.goal)


@dataclass(frozen=True)
class Wanted:
    """One argument of a tool: its schema without references, and whether the call needs it."""

    name: str
    schema: dict[str, JSON]
    tool: Tool
    must: bool

    @property
    def words(self) -> frozenset[str]:
        """The words of its name."""
        return frozenset(name_words(self.name))

    @property
    def spoken(self) -> str:
        """Its name as a pattern: `check_in`, `check in`, `check-in`."""
        return "[ _-]".join(map(re.escape, name_words(self.name)))


def number(wanted: Wanted, asked: Asked) -> int | float | None:
    """An amount of money, the number of a thing, a labelled number, or the one number that is left."""
    found: str | None = None
    for text in asked.texts:
        if found is None and wanted.words & AMOUNTS and (money := MONEY.search(text)):
            found = (money["before"] or money["after"]).replace(",", ".")
        known = identifier(wanted, text)
        if found is None and known is not None and known.lstrip("#").isdecimal():
            found = known.lstrip("#")
    if found is None:
        label = rf"\b{wanted.spoken}\s*(?:of|is|=|:)?\s*(-?\d+(?:\.\d+)?)|(\d+) {wanted.spoken.rstrip('s')}s?\b"
        labelled = re.search(label, asked.goal, re.IGNORECASE)
        found = (labelled[1] or labelled[2]) if labelled else None
    if found is None and (wanted.must or wanted.words & COUNTS):
        taken = {number.lstrip("#") for _, number in things(asked.clause.text)}
        free = {one[0] for one in NUMBER.finditer(asked.clause.text) if one[0] not in taken}
        found = free.pop() if len(free) == 1 else None
    if found is None:
        return None
    value = float(found)
    return int(value) if value.is_integer() else value if wanted.schema.get("type") == "number" else None


def identifier(wanted: Wanted, text: str) -> str | None:
    """The number of the thing that an argument is named after: `order_id` takes 1009 from "order 1009"."""
    named = {stem(word) for word in wanted.words}
    found = [(stem(noun), number) for noun, number in things(text) if noun not in UNITS]
    if not wanted.words & IDENTITY and not any(noun in named for noun, _ in found):
        return None
    nouns = {stem(word) for word in wanted.words - IDENTITY} or {stem(word) for word in name_words(wanted.tool.name)}
    return next((number for noun, number in found if noun in nouns), None)


def text(wanted: Wanted, asked: Asked) -> str | None:
    """By the role that the argument plays, else by its name in the goal, else by what a needed one may take."""
    described = str(wanted.schema.get("description", "")).lower()
    role = FORMATS.get(wanted.schema.get("format", ""))
    role = role or next((role for role, names in ROLES.items() if wanted.words & names), None)
    if "recipient" in described or "who the message is for" in described:
        role = role or "to"
    found = _IN_ROLE[role](wanted, asked) if role else _by_name(wanted, asked)
    if found is None and wanted.must and role is None:
        found = _needed(wanted, asked)
    return _fit(found, wanted.schema) if found else None


def _by_name(wanted: Wanted, asked: Asked) -> str | None:
    for where in asked.texts:
        if (known := identifier(wanted, where)) is not None:
            return known
        value = rf"[\"“]?((?:[A-Z][\w'-]*|{ID})(?: [A-Z][\w'-]*)*)"
        labelled = re.search(rf"\b{wanted.spoken}(?: is| to| called| named|:|=)?\s+{value}", where)
        if labelled:
            return labelled[1]
    return None


def _needed(wanted: Wanted, asked: Asked) -> str | None:
    if wanted.words & PEOPLE:
        return _first(NAMED, asked)
    quoted = next((found[1] for where in asked.texts[:2] if (found := QUOTED.search(where))), None)
    if quoted is None and wanted.words & PROSE:
        return wording.message(asked.clause, (), asked.goal, None) or sentence(asked.clause.rest)
    return quoted or asked.added.strip() or None


def _first(pattern: re.Pattern[str], asked: Asked) -> str | None:
    return next((found[0].rstrip(".,;") for where in asked.texts if (found := pattern.search(where))), None)


def _date(wanted: Wanted, asked: Asked) -> str | None:
    spoken = next((one for where in asked.texts for one in spoken_dates(where, asked.today)), None)
    if spoken is None:
        return None
    return f"{spoken.day}T00:00:00Z" if wanted.schema.get("format") == "date-time" else spoken.day.isoformat()


def _title(wanted: Wanted, asked: Asked) -> str | None:
    heading = wording.about_thing(asked.goal, True) if asked.who else None
    if heading is None and wanted.must:
        heading = wording.title(wording.message(asked.clause, (), asked.goal, None) or asked.clause.text)
    return heading


def _where(before: str) -> Callable[[Wanted, Asked], str | None]:
    pattern = re.compile(rf"\b(?:{before}) ([A-Z][\w'-]+(?: [A-Z][\w'-]+)*)")

    def find(_: Wanted, asked: Asked) -> str | None:
        found = pattern.search(asked.clause.text)
        return found[1] if found else None

    return find


_IN_ROLE: dict[str, Callable[[Wanted, Asked], str | None]] = {
    "email": lambda _, asked: _first(EMAIL, asked),
    "url": lambda _, asked: _first(URL, asked),
    "date": _date,
    "to": lambda _, asked: asked.who or _first(EMAIL, asked),
    "reason": lambda _, asked: wording.reason(asked.clause) or asked.added.strip() or None,
    "about": lambda _, asked: wording.about_thing(asked.clause.text, False) or wording.about_thing(asked.goal, False),
    "text": lambda _, asked: (
        wording.message(asked.clause, asked.before, asked.goal, asked.who) or asked.added.strip() or None
    ),
    "title": _title,
    "from where": _where("from"),
    "to where": _where("to"),
    "where": _where("in|at|to"),
}


def choice(values: Sequence[JSON], asked: Asked) -> JSON:
    """The value that is named, the longest of them; None where none is."""
    for where in asked.texts:
        said = stems(where)
        words = {one: stems(" ".join(name_words(one))) for one in values if isinstance(one, str)}
        named = [one for one, own in words.items() if own and own <= said]
        if named:
            return max(named, key=len)
    return values[0] if len(values) == 1 else None


def yes_or_no(wanted: Wanted, asked: Asked) -> bool | None:
    """True where the argument's words are said, False where they are denied, None where they are not there."""
    words = {stem(word) for word in wanted.words} - {"is", "has"}
    said = f"{asked.clause.text} {asked.added}"
    if not words or not words <= stems(said):
        return None
    last = re.escape(name_words(wanted.name)[-1])
    return not re.search(rf"\b(?:not|no|without|don't)\s+(?:\w+\s+)?{last}", said, re.IGNORECASE)


def _fit(value: str, schema: dict[str, JSON]) -> str | None:
    """The value where the schema takes it, perhaps with or without its number sign."""
    longest, pattern = schema.get("maxLength"), schema.get("pattern")
    if len(value) < schema.get("minLength", 0) or (isinstance(longest, int) and len(value) > longest):
        return None
    if not isinstance(pattern, str):
        return value
    try:
        return next((one for one in (value, value.lstrip("#"), f"#{value}") if re.search(pattern, one)), None)
    except re.error:
        return value
