"""The words and shapes in which the domain's states are shown. One table a state, so that no page invents its own."""

import datetime as dt
from functools import lru_cache
from typing import Final

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

from tools.contract import Contract
from tools.kinds import Tier

register = template.Library()

ACTION: Final[dict[str, tuple[str, str]]] = {
    "proposed": ("Being checked", "clock"),
    "denied": ("Denied by policy", "ban"),
    "in_review": ("In review", "pen-line"),
    "scheduled": ("Scheduled", "hourglass"),
    "permitted": ("Permitted", "stamp"),
    "executing": ("Executing", "play"),
    "done": ("Done", "check"),
    "failed": ("Failed", "x"),
    "uncertain": ("Unknown outcome", "circle-question-mark"),
    "rejected": ("Rejected", "hand"),
    "expired": ("Expired", "hourglass"),
    "withdrawn": ("Withdrawn", "undo-2"),
    "halted": ("Halted by a stop", "octagon-minus"),
    "undone": ("Undone", "undo-2"),
}
RUN: Final[dict[str, tuple[str, str]]] = {
    "submitted": ("Accepted", "clock"),
    "planning": ("Planning", "bot"),
    "waiting": ("Waiting", "clock"),
    "needs_input": ("Needs an answer", "message-square"),
    "needs_human": ("Needs a person", "circle-user"),
    "succeeded": ("Succeeded", "check"),
    "failed": ("Failed", "x"),
    "cancelled": ("Cancelled", "ban"),
    "halted": ("Halted by a stop", "octagon-minus"),
    "undoing": ("Undoing", "undo-2"),
    "undone": ("Undone", "undo-2"),
}
EXECUTION: Final[dict[str, tuple[str, str]]] = {"claimed": ("Under way", "play"), **ACTION}
RISK: Final = {"low": ("Low risk", 1), "medium": ("Medium risk", 2), "high": ("High risk", 3)}
MATURITY: Final[dict[str, tuple[str, str]]] = {
    "in_the_loop": ("In the loop", "circle-dot"),
    "on_the_loop": ("On the loop", "contrast"),
    "audit_only": ("Audit only", "circle-dashed"),
    "recommend_only": ("Recommend only", "lightbulb"),
}
_BARS: Final = ((2, 4), (6.5, 7.5), (11, 11))
TABLES: Final = {"action": ACTION, "run": RUN, "execution": EXECUTION}


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """An icon of the installed set, silent to screen readers: a word always stands beside it."""
    return _drawn(str(name), str(css))


@lru_cache(maxsize=512)  # a list draws the same few hundreds of times, and each is read and copied as a tree
def _drawn(name: str, css: str) -> SafeString:
    svg = lucide(name, size=16, **{"class": css, "aria_hidden": "true", "focusable": "false"})
    return SafeString(svg)


def _badge(attribute: str, value: str, table: dict[str, tuple[str, str]]) -> SafeString:
    word, shape = table.get(value, (value.replace("_", " ").capitalize(), "info"))
    return format_html('<span class="badge" data-{}="{}">{}{}</span>', attribute, value, icon(shape), word)


@register.simple_tag
def status(value: str, machine: str = "action") -> SafeString:
    """The badge of a status of ``action``, ``run`` or ``execution``: icon and word."""
    return _badge("status", str(value), TABLES[machine])


@register.simple_tag
def status_word(value: str, machine: str = "action") -> str:
    """A status as a person reads it, without the badge; of a kind of row that has none, the word as it was written."""
    return TABLES.get(machine, {}).get(str(value), (str(value), ""))[0]


@register.simple_tag
def status_icon(value: str, machine: str = "action") -> SafeString:
    """The icon of a status alone, where its word stands elsewhere in the line."""
    return icon(TABLES[machine].get(str(value), ("", "info"))[1])


@register.simple_tag
@lru_cache(maxsize=64)
def risk(value: str) -> SafeString:
    """The badge of a risk: one, two or three bars and the word."""
    word, bars = RISK.get(str(value), (str(value), 3))
    columns = format_html_join(
        "",
        '<rect x="{}" y="{}" width="3" height="{}" rx=".5"{}/>',
        ((x, 14 - h, h, SafeString("") if n < bars else SafeString(' opacity=".3"')) for n, (x, h) in enumerate(_BARS)),
    )
    drawing = format_html('<svg class="icon bars" viewBox="0 0 16 16" aria-hidden="true">{}</svg>', columns)
    return format_html('<span class="badge" data-risk="{}">{}{}</span>', value, drawing, word)


@register.simple_tag
@lru_cache(maxsize=64)
def maturity(value: str) -> SafeString:
    """The badge of how freely a tool may act."""
    return _badge("maturity", str(value), MATURITY)


@register.simple_tag
def undoing(contract: Contract | None) -> SafeString:
    """The badge that says before a call whether it can be taken back after it, and whether a tool would do that."""
    if contract is None or not contract.reversible:
        shape, word = ("lock", "Cannot be undone")
    elif contract.inverse is None:
        shape, word = ("hand", "Undone only by hand")
    else:
        shape, word = ("undo-2", "Can be undone")
    if contract is not None and contract.tier is Tier.READ:
        shape, word = ("scan-eye", "Changes nothing")
    return _lined(shape, word)


@lru_cache(maxsize=64)
def _lined(shape: str, word: str) -> SafeString:
    return format_html('<span class="badge badge-line">{}{}</span>', icon(shape), word)


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar; a trailing figure is kept, so that reviewer and reviewer2 differ."""
    name = str(name)
    return (name[:1] + name[-1:] if name[-1:].isdigit() else name[:2]).upper()


def _spell(seconds: float) -> str:
    minutes = int(seconds // 60)
    if seconds < 60:
        return f"{int(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // (24 * 60)} days"


@register.simple_tag
def clock(at: dt.datetime | None, css: str = "") -> SafeString:
    """A moment as a clock time in UTC; the page's script turns it into the reader's own zone."""
    if at is None:
        return SafeString("–")
    at = at.astimezone(dt.UTC)
    text = at.strftime("%H:%M:%S UTC") if at.date() == timezone.now().date() else at.strftime("%-d %b %Y %H:%M UTC")
    return format_html('<time class="nowrap {}" datetime="{}" data-local>{}</time>', css, at.isoformat(), text)


@register.simple_tag
def ago(at: dt.datetime | None) -> SafeString:
    """How long ago, counted on by the page's script."""
    if at is None:
        return SafeString("–")
    text = _spell(max(0.0, (timezone.now() - at).total_seconds())) + " ago"
    return format_html('<time datetime="{}" data-ago title="{}">{}</time>', at.isoformat(), at.isoformat(), text)


@register.simple_tag
def between(first: dt.datetime, then: dt.datetime) -> str:
    """The time from one moment to another, as exactly as it matters: milliseconds, seconds, minutes."""
    seconds = (then - first).total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    return f"{seconds:.1f} s" if seconds < 60 else _spell(seconds)


@register.simple_tag
def left(until: dt.datetime | None, css: str = "") -> SafeString:
    """Time left to decide. Under five minutes it is marked urgent; at zero nobody's silence counts as a yes."""
    if until is None:
        return SafeString("")
    seconds = (until - timezone.now()).total_seconds()
    text = _spell(seconds) + (" left" if seconds < 3600 else "") if seconds > 0 else "time is up"
    urgent = SafeString(" data-urgent") if seconds < 300 else SafeString("")
    return format_html('<time class="{}" datetime="{}" data-left{}>{}</time>', css, until.isoformat(), urgent, text)


@register.filter
def short(value: object) -> str:
    """The recognisable part of a UUIDv7 or digest: its random tail, not its timestamp."""
    text = str(value).removeprefix("sha256:").replace("-", "")
    return text[-8:]


@register.filter
def digest(value: str) -> str:
    """A digest in groups of four, the middle left out and marked so; the whole is in the form and the receipt."""
    text = str(value).removeprefix("sha256:")
    return f"{text[:4]} {text[4:8]} {text[8:12]} … {text[-4:]}" if len(text) > 20 else text
