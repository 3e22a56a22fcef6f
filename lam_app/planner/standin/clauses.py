"""Takes a goal apart into the things that it asks for, one act each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lam_app.planner.standin.words import ALSO_NOUNS, KIND_OF, TAKES, listed

ID = r"#?(?:[A-Z]{1,5}[-_]?)?\d[\w-]*"
THING = re.compile(rf"\b(?P<noun>[A-Za-z]{{3,}}?)s?(?: (?:number|no\.?|id))? (?P<id>{ID})(?![\w.]*@)")
_SEVERAL = re.compile(rf"\b(?P<noun>[a-z]{{3,}}?)s (?P<ids>{ID}(?:, {ID})*,? and {ID})\b")
_POLITE = re.compile(
    r"\A(?:please|kindly|also|then|next|finally|first|and|(?:can|could|would|will) you(?: please)?|"
    r"i(?:'d| would)? (?:want|need|like) (?:you )?to|we (?:need|want) to|you should|make sure to|go ahead and)[ ,]+",
    re.IGNORECASE,
)
_CONTENT = re.compile(r"\s(?:that|saying|about|telling \w+)\s|:\s|[\"“]", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“])|;\s*|\n+")
_JOINT = re.compile(r"(?:,\s*|\s+)(?:and\s+then|and\s+also|and|then|plus)\s+|,\s+", re.IGNORECASE)
_WHY = re.compile(r"(?:,\s*|\s+)(?:because|since|as (?=the |it |they |he |she |we )|due to)\s*|,\s+", re.IGNORECASE)

_MADE = re.compile(r"an?\s+([a-z]+)\b(?:\s+([a-z]+)\b)?")


@dataclass(frozen=True)
class Clause:
    """One thing asked for. `text` as said; `verb` its first word; `kind` what sort of act that verb asks for;
    `rest` what follows the verb; `why` what was said beside it.
    """

    text: str
    verb: str
    kind: str
    rest: str
    why: str = ""

    @property
    def head(self) -> str:
        """What is asked, without the words that are only to be passed on."""
        content = _CONTENT.search(self.rest)
        return self.rest[: content.start()] if content and self.kind in ("tell", "send", "note") else self.rest


def things(text: str) -> list[tuple[str, str]]:
    """Numbered things: `order 1009` gives ("order", "1009"); each once, in order."""
    found = [(match["noun"].lower(), match["id"]) for match in THING.finditer(text)]
    return list(dict.fromkeys(pair for pair in found if pair[0] not in _NO_NOUNS and pair[0] not in _ONLY_VERBS))


_NO_NOUNS = listed(
    "the than for and are was until till before after from with about only over under just exactly monday "
    "tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december"
)
_ONLY_VERBS = KIND_OF.keys() - ALSO_NOUNS - {"refund", "transfer"}


def split(goal: str, tool_verbs: frozenset[str]) -> list[Clause]:
    """The clauses of a goal in order; what asks for nothing is the reason of the clause before it."""
    pieces: list[str] = []
    asides: dict[int, list[str]] = {}
    for piece in _pieces(goal, tool_verbs):
        if _verb(piece, tool_verbs):
            pieces += _each(piece)
        else:
            asides.setdefault(max(0, len(pieces) - 1), []).append(piece)
    if not pieces:
        return [Clause(" ".join(goal.split()), "", "", " ".join(goal.split()))]
    return [_clause(piece, tool_verbs, asides.get(index, [])) for index, piece in enumerate(pieces)]


def _pieces(goal: str, tool_verbs: frozenset[str]) -> Iterator[str]:
    for piece in _SENTENCE.split(goal):
        sentence = " ".join(piece.split()).rstrip(". ")
        begin = 0
        for joint in _JOINT.finditer(sentence):
            quoted = sentence[: joint.start()].count('"') % 2 or sentence[: joint.start()].count("“") > sentence[
                : joint.start()
            ].count("”")
            if not quoted and joint.start() > begin and _verb(sentence[joint.end() :], tool_verbs):
                yield sentence[begin : joint.start()]
                begin = joint.end()
        if sentence[begin:].strip():
            yield sentence[begin:]


def _plain(piece: str) -> str:
    while match := _POLITE.match(piece):
        piece = piece[match.end() :]
    return piece


def _verb(piece: str, tool_verbs: frozenset[str]) -> str:
    """The verb with which the piece asks for something, or nothing."""
    words = re.findall(r"[\w'@.-]+|[,:]", _plain(piece))
    verb = words[0].lower() if words else ""
    if verb not in KIND_OF and verb not in tool_verbs:
        return ""
    following = words[1].lower() if len(words) > 1 else ""
    if (
        verb in ALSO_NOUNS
        and following not in TAKES
        and "@" not in following
        and not (words[1:] and words[1][0].isupper())
    ):
        # "note that…" and "email: …" ask; "order 1010" after "and" does not, unless the whole piece has no other sense
        return verb if following == ":" or (verb not in ("order", "return") and following.isalpha()) else ""
    return verb


def _each(piece: str) -> list[str]:
    """`refund orders 1009 and 1010` is asked twice."""
    several = _SEVERAL.search(piece)
    if several is None:
        return [piece]
    return [
        f"{piece[: several.start()]}{several['noun']} {one}{piece[several.end() :]}"
        for one in re.findall(ID, several["ids"])
    ]


def _clause(piece: str, tool_verbs: frozenset[str], asides: list[str]) -> Clause:
    text = _plain(piece)
    verb = _verb(text, tool_verbs)
    rest = text[len(verb) :].strip()
    kind = KIND_OF.get(verb, verb)
    if verb == "let" and " know" in rest:
        rest = rest.replace(" know", "", 1)
    if verb == "write" and re.match(r"(?:to|the|our|\w+@)\b", rest) and " note" not in rest:
        kind = "tell"
    made = _MADE.match(rest)
    if made and kind in ("create", "send", "note"):  # "add a note" is noting
        kind = next((KIND_OF[noun] for noun in made.groups("") if noun.lower() in KIND_OF), kind)
    why = list(asides)
    if kind not in ("tell", "send", "note"):
        aside = _WHY.search(rest)
        if aside:
            why.insert(0, rest[aside.end() :])
            rest = rest[: aside.start()]
    return Clause(text, verb, kind, rest, "; ".join(why))
