"""One page on which a person can read what really happened. No scripts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from typing import Final

from sandbox.faults import Fault
from sandbox.shapes import JSON
from sandbox.store import Effect

MOST_LINES: Final = 200
STYLE: Final = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } p { margin: .25rem 0 1rem; opacity: .75 }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; font-weight: 600; padding: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-top: 1px solid #8884 }
th { font-weight: 600; border-top: 0 } code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
.no { opacity: .7 } td.whole { white-space: nowrap } td.key { min-width: 9rem } a { color: inherit }
@media (max-width: 48rem) {
  table, caption, tbody, tr, td { display: block } thead { display: none }
  tr { border-top: 1px solid #8884; padding: .6rem 0 } td { border: 0; padding: .1rem 0 }
}
"""
CSP: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'"
)


def page(effects: Sequence[Effect], faults: Sequence[Fault]) -> str:
    """The ledger, newest first, and the troubles that wait for a call."""
    done = sum(one.applied for one in effects)
    rows = "".join(map(_row, reversed(effects[-MOST_LINES:])))
    older = len(effects) - MOST_LINES
    more = f"<p>{older} older lines are in <a href='/ledger'>/ledger</a>.</p>" if older > 0 else ""
    body = (
        "<table><caption>Ledger</caption><thead><tr><th scope='col'>Line<th scope='col'>Time (UTC)<th scope='col'>"
        "What<th scope='col'>With<th scope='col'>Outcome<th scope='col'>Key</tr></thead><tbody>"
        f"{rows}</tbody></table>{more}"
        if effects
        else "<p>Nothing has happened yet.</p>"
    )
    ordered = "".join(
        f"<li><code>{escape(one.operation)}</code>: {escape(one.mode.value)}, {_counted(one.times, 'time')}"
        for one in faults
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Back office: what really happened</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style></head><body><main>"
        "<h1>What really happened</h1>"
        f"<p>{_counted(done, 'effect')}, {_counted(len(effects) - done, 'call')} that changed nothing. "
        "Times, arguments and answers as the office wrote them down. "
        "<a href='/openapi.json'>What it can do</a>.</p>"
        f"{f'<h2>Ordered trouble</h2><ul>{ordered}</ul>' if faults else ''}{body}</main></body></html>"
    )


def _row(one: Effect) -> str:
    told = "done" if one.applied else f"not done: {one.answer.get('detail', one.status)}"
    again = f" (asked {_counted(one.repeated + 1, 'time')}, done once)" if one.repeated else ""
    return (
        f"<tr data-operation='{escape(one.operation)}'{'' if one.applied else ' class=no'}><td>{one.id}"
        f"<td class='whole'>{escape(one.time[:19].replace('T', ' '))}"
        f"<td class='whole'><code>{escape(one.operation)}</code>"
        f"<td><code>{escape(_spoken(one.arguments))}</code><td>{escape(told)}{again}"
        f"<td class='key'><code>{escape(one.key or '')}</code></tr>"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _spoken(arguments: JSON) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
