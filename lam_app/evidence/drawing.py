"""The card as a page of its own: the same templates as at the desk, with their styles inside and nothing to press."""

import base64
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string

from accounts.models import Membership
from approvals.access import knows_canaries
from approvals.codes import CODES
from approvals.models import Action
from approvals.reading.around import around
from approvals.reading.card import Card, card
from approvals.reading.deciders import reviewers
from approvals.reading.limits import limits_of
from lam_app.evidence.masks import Masks
from traces.clock import now

STYLES: Final = ("base", "layout", "parts", "desk", "card", "decide", "govern", "limits", "pages", "evidence", "small")
_TAG: Final = re.compile(r"<[a-z][^<>]*>")
_LIVE: Final = re.compile(r'\s(?:hx-[\w:-]+|data-stream|data-key|popovertarget|form|hidden)(?:="[^"]*")?(?=[\s>])')
_LINK: Final = re.compile(r'^(<a\b[^>]*?)\shref="(?!#)[^"]*"')
_TIMES: Final = re.compile(r'<time[^>]*?datetime="(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)[^"]*"[^>]*>[^<]*</time>')
_COMMENTS: Final = re.compile(r"/\*.*?\*/", re.DOTALL)


class Kept(Card):
    """A card for an archive: everything that is folded stands in it."""

    @property
    def must_expand(self) -> bool:
        """Nobody decides on it here."""
        return False


def drawn(action: Action, reader: Membership, hide: Masks, *, reasoning: bool) -> bytes:
    """The page, as this reader would see it now. What only auditors and developers read is left out for others."""
    shown = card(action)
    kept = Kept(**{name: getattr(shown, name) for name in shown.__dataclass_fields__})
    if not reasoning:
        kept.action.reasoning, kept.revision.considered = "", []
    context: dict[str, Any] = {
        "card": kept,
        "action": kept.action,
        "around": around(kept, reader, tools=[], reviewers=reviewers(action)),
        "knows_canaries": knows_canaries(reader),
        "limits": limits_of(kept.action, kept.revision),
        "codes": CODES,
        "kept": True,
        "words": True,
        "opened": True,
        "principal": reader.user_id in action.principals,
        "made_at": now(),
        "style": _style(),
    }
    return hide.page(still(render_to_string("evidence/card.html", context))).encode()


def still(html: str) -> str:
    """A page of ours without what only a browser that is signed in could follow, and with every time written out.

    Only tags are touched: strangers' text is escaped, so that none of it is one.
    """
    quiet = _TAG.sub(lambda tag: _LINK.sub(r"\1", _LIVE.sub("", tag[0])), html)
    return _TIMES.sub(r"<time>\1 \2 UTC</time>", quiet)


@lru_cache(maxsize=1)
def _style() -> str:
    """The product's own styles as an address that holds them."""
    folder = Path(settings.STATICFILES_DIRS[0]) / "css"
    found = "\n".join((folder / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    small = "\n".join(line.strip() for line in _COMMENTS.sub("", found).splitlines() if line.strip())
    return f"data:text/css;base64,{base64.b64encode(small.encode()).decode()}"
