"""Puts what is to be passed on into words that a reader would expect: sentences, addressed to whoever gets them."""

import re
from collections.abc import Sequence

from lam_app.planner.standin.clauses import THING, Clause, things
from lam_app.planner.standin.words import DONE, listed, sentence

_STOPPERS = (
    r"that|about|to|whether|if|saying|telling|regarding|when|why|how|for|with|it|its|they|we|he|she|there|you|i|your|our|"
    r"their|his|her"
)
_TOLD = re.compile(
    rf"\A(?:the |our |my )?(?P<who>[\w@.+'-]+(?: (?!(?:{_STOPPERS})\b)[\w@.+#'-]+)*?)"
    rf"(?=\s+(?:{_STOPPERS})\b|\s+of (?!\w+ #?\w*\d)|\s*[:,\"“]|\s*\Z)",
    re.IGNORECASE,
)
_SENT_TO = re.compile(
    rf"\bto (?:the |our )?(?P<who>[\w@.+'-]+(?: (?!(?:{_STOPPERS})\b)[\w@.+#'-]+)*?)"
    rf"(?=\s+(?:{_STOPPERS})\b|\s*[:,\"“]|\s*\Z)",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    r"\A(?:the |our )?(?P<who>[\w@.+'-]+(?: [\w@.+#'-]+)*?) (?:a|an|the) (?:\w+ )?(?:message|e?mail|note|text|reply)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“](?P<said>[^\"”]+)[\"”]")
_VERBATIM = "{0:}"
_MARKS = (
    (re.compile(r"\bsaying(?: that)?\s+(?P<said>.+)", re.IGNORECASE | re.DOTALL), "{0}"),
    (re.compile(r":\s+(?P<said>.+)", re.DOTALL), _VERBATIM),
    (re.compile(r"\bthat\s+(?P<said>.+)", re.IGNORECASE | re.DOTALL), "{0}"),
    (re.compile(r"\b(?:whether|if)\s+(?P<said>.+)", re.IGNORECASE | re.DOTALL), "could you tell us whether {0}?"),
    (re.compile(r"\b(?:about|regarding)\s+(?P<said>.+)", re.IGNORECASE | re.DOTALL), "this is about {0}"),
)
_STATES = listed("it we they he she you your our their his her there")
_PERSONAL = (
    (r"\b(?:they|he|she) (?:are|is)\b", "you are"),
    (r"\b(?:they|he|she) (?:were|was)\b", "you were"),
    (r"\b(?:they|he|she) (?:have|has)\b", "you have"),
    (r"\b(?:they|he|she)\b", "you"),
    (r"\b(?:their|his)\b", "your"),
    (r"\bher(?= [a-z])(?! (?:to|that|about|for|on|in|at|by|with|when|until|and|or)\b)", "your"),
    (r"\b(?:them|him|her)\b", "you"),
)


def recipient(clause: Clause, goal: str) -> str | None:
    """Who is to be told, completed with the numbered thing that the goal is about: "customer of order 1009"."""
    found: re.Match[str] | None = None
    if clause.kind == "tell" and not re.match(r"(?:a|an)\b", clause.rest):
        found = _TOLD.match(re.sub(r"\Ato ", "", clause.rest))
    found = _GIVEN.match(clause.rest) if clause.kind == "send" and _GIVEN.match(clause.rest) else found
    found = found or _SENT_TO.search(clause.rest)
    if found is None:
        return None
    who = found["who"].strip()
    if who.lower() in ("me", "us", "everyone", "everybody", "them", "him", "her", "it"):
        return None if who.lower() in ("them", "him", "her", "it") else who
    about = things(goal)
    if who.islower() and " " not in who and "@" not in who and len(about) == 1 and not any(c.isdigit() for c in who):
        noun, number = about[0]
        return f"{noun} {number}" if who == noun else f"{who} of {noun} {number}"
    return who


def message(clause: Clause, before: Sequence[Clause], goal: str, who: str | None) -> str | None:
    """The text to pass on, or None where the goal does not say what it is."""
    if quoted := _QUOTED.search(clause.rest):
        return sentence(quoted["said"])
    personal = who is not None
    marked = [(found, form) for mark, form in _MARKS if (found := mark.search(clause.rest))]
    if marked:
        # "a note about it: …" says what the text is only after the colon.
        found, form = min(marked, key=lambda one: (one[1].startswith("this is about"), one[0].start()))
        said = found["said"] if form == _VERBATIM else addressed(found["said"], goal, personal)
        return sentence(form.format(said))
    if clause.kind == "tell" and (short := _in_short(clause, goal, personal)):
        return short
    done = [told for one in before if (told := _told(one, goal, personal))]
    return " ".join(done) or None


def _in_short(clause: Clause, goal: str, personal: bool) -> str | None:
    """What stands behind the one who is told without "that": "for the delay", "to pay", "we are late"."""
    told = _TOLD.match(re.sub(r"\Ato ", "", clause.rest))
    after = re.sub(r"\Ato ", "", clause.rest)[told.end() :].strip() if told else ""
    first, _, rest = after.partition(" ")
    forms = {
        "to": "please remember to {0}" if clause.verb == "remind" else "please {0}",
        "for": {"thank": "thank you for {0}", "ask": "please let us have {0}"}.get(clause.verb, "this is about {0}"),
        "of": "this is about {0}",
    }
    if clause.verb in ("apologise", "apologize"):
        forms["for"] = "we apologise for {0}"
    if first in forms and rest:
        return sentence(forms[first].format(addressed(rest, goal, personal)))
    return sentence(addressed(after, goal, personal)) if first.lower() in _STATES else None


def addressed(said: str, goal: str, personal: bool) -> str:
    """`said` as its reader should see it: "it" named, the reader called "you" where the text goes to a person."""
    about = things(goal)
    said = said.strip().rstrip(".")
    if len(about) == 1:
        noun, number = about[0]
        named = f"your {noun} {number}" if personal else f"{noun} {number}"
        said = re.sub(rf"\b(?:the|their|his|her|your) {noun}\b(?! #?\d)", named, said, count=1, flags=re.IGNORECASE)
        if personal:
            said = re.sub(rf"\A(?:the )?{noun} {re.escape(number)}\b", named, said, flags=re.IGNORECASE)
        if named not in said:
            said = re.sub(r"\bit\b", named, said, count=1, flags=re.IGNORECASE)
    if personal:
        said = re.sub(r"\bthe customer\b", "you", said)
        for old, new in _PERSONAL:
            said = re.sub(old, new, said, flags=re.IGNORECASE)
    return said


def reason(clause: Clause) -> str | None:
    """Why, as said beside the request."""
    return sentence(clause.why) or None


def title(text: str, longest: int = 70) -> str:
    """A short heading."""
    words = " ".join(text.split()).rstrip(".")
    words = words if len(words) <= longest else words[:longest].rsplit(" ", 1)[0] + "…"
    return words[:1].upper() + words[1:]


def about_thing(goal: str, personal: bool) -> str | None:
    """The one numbered thing that a goal is about: "Your order 1009" or "order 1009"."""
    found = things(goal)
    if len(found) != 1:
        return None
    return f"Your {found[0][0]} {found[0][1]}" if personal else f"{found[0][0]} {found[0][1]}"


def _told(clause: Clause, goal: str, personal: bool) -> str:
    """What an earlier clause did, told to whom it concerns: "Your order 1009 has been refunded, as …"."""
    if clause.kind in ("tell", "send", "note", "find", ""):
        return ""
    thing = THING.search(clause.rest)
    subject = f"your {thing['noun'].lower()} {thing['id']}" if thing else clause.rest
    if not personal:
        subject = subject.removeprefix("your ")
    done = DONE.get(clause.kind, f"{clause.kind}ed")
    why = f", as {addressed(clause.why, goal, personal)}" if clause.why and len(clause.why) < 200 else ""
    return sentence(f"{subject} has been {done}{why}")
