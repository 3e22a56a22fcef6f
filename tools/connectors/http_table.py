"""What came of an HTTP call, decided once, row by row. Pure.

Promise 3: *no effect twice, and no guessing*. FAILED may only be said where it is known that nothing was done, or where
the tool itself says that it refused; everything else after the first byte has left is UNCERTAIN, and the tool's class
decides what may be done about that: *keyed* is asked again with the same key, *neither* goes to a person. ``sent`` says
whether anything left for the tool; only what was not sent may be repeated by anybody.

=============================================  =========  =====  =====  ================================================
what happened                                  status     sent   again  why
=============================================  =========  =====  =====  ================================================
the address is out of bounds                   FAILED     no     no     our own rule; the same rule will say no again
refused, DNS, TLS, time-out while connecting   FAILED     no     yes    there was no connection to send anything on
reset or time-out before the first byte        FAILED     no     yes    the connection was open and unused
time-out after sending                         UNCERTAIN  yes    yes    the tool may be doing it right now
connection lost, or answer cut, after sending  UNCERTAIN  yes    yes    the effect often comes before the answer
answer too large, or not HTTP                  UNCERTAIN  yes    no     we stopped reading; the effect may be there
2xx, whole, JSON or nothing                    DONE       yes    no     the tool says so
2xx, whole, but no readable JSON               DONE       yes    no     the tool says so; its words are kept as text
2xx, without a stated length, no readable JSON UNCERTAIN  yes    yes    it may have been cut, and nobody would know
301, 307, 308                                  FAILED     yes    no     "not here": no redirect is ever followed
302, 303 to a write                            UNCERTAIN  yes    no     often means "done, look over there"
other 3xx                                      FAILED     yes    no     an answer about documents, not about effects
429, 425                                       FAILED     yes    yes    turned away at the door: a word about this call
408                                            UNCERTAIN  yes    yes    a whole request was sent, so somebody behind
                                                                        the door gave up waiting
other 4xx                                      FAILED     yes    no     the tool's own refusal, in its own words
5xx, a 503 with Retry-After too                UNCERTAIN  yes    yes    tools fall over after the effect as well; a 503
                                                                        speaks of the service, not of this call
1xx as the last word, 600 and above            UNCERTAIN  yes    no     nobody knows what this means
=============================================  =========  =====  =====  ================================================

425, 429 and 503 may say when to come back (Retry-After). The outcome carries that on, never longer than ten minutes;
the executor waits for it where another attempt is harmless.

Two readings of the table depend on the call, not on the answer:

* *A repeat of a keyed call.* Unless every earlier attempt is known to have done nothing, one of them may have had the
  effect, so an answer that is only about this attempt settles nothing: 401, 403, 407, 409 ("the first one is still
  running"), 425 and 429 become UNCERTAIN.
* *A read* (a GET of a tool of tier read) has no effect that anybody could doubt. It stays UNCERTAIN, and is asked
  again, for two attempts; from the third on, or where asking again cannot help or is to wait, it FAILED. Nobody is
  asked whether a read happened.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from tools.contract import Error, Outcome, OutcomeStatus
from tools.text import display
from tools.wire import Answer, Broken
from traces.canonical import JSON, BadJSON, parse

READ_ATTEMPTS = 3
LONGEST_WAIT = 600.0
"""Seconds that a tool may ask us to wait; who asks for more is called again by then."""
LONGEST_EXCUSE = 500
LONGEST_TEXT = 20_000
"""Characters that are kept of a result that is not JSON."""
_SAYING = ("detail", "message", "error", "title", "error_description", "reason", "msg")
_ABOUT_THIS_ATTEMPT = frozenset({401, 403, 407, 409, 425, 429})
_SAYS_WHEN = frozenset({425, 429, 503})

DONE, FAILED, UNCERTAIN = OutcomeStatus.DONE, OutcomeStatus.FAILED, OutcomeStatus.UNCERTAIN


class Row(NamedTuple):
    """One row of the table."""

    status: OutcomeStatus
    code: str
    sent: bool
    again: bool
    """Whether the same call may succeed later."""


BROKEN: Mapping[str, Row] = {
    "egress_refused": Row(FAILED, "egress_refused", False, False),
    "connect_refused": Row(FAILED, "connect_refused", False, True),
    "connect_timeout": Row(FAILED, "connect_timeout", False, True),
    "dns_failed": Row(FAILED, "dns_failed", False, True),
    "tls_failed": Row(FAILED, "tls_failed", False, True),
    "reset_before_sending": Row(FAILED, "reset_before_sending", False, True),
    "timed_out_before_sending": Row(FAILED, "timed_out_before_sending", False, True),
    "timed_out": Row(UNCERTAIN, "timed_out", True, True),
    "connection_lost": Row(UNCERTAIN, "connection_lost", True, True),
    "cut_short": Row(UNCERTAIN, "answer_cut_short", True, True),
    "too_large": Row(UNCERTAIN, "answer_too_large", True, False),
    "not_http": Row(UNCERTAIN, "answer_not_http", True, False),
}

_SUCCESS = Row(DONE, "", True, False)
_UNREADABLE = Row(UNCERTAIN, "answer_unreadable", True, True)
_ELSEWHERE = Row(UNCERTAIN, "redirected", True, False)
_LATER = Row(FAILED, "tool_busy", True, True)

_EXACT: Mapping[int, Row] = {
    302: _ELSEWHERE,
    303: _ELSEWHERE,
    408: Row(UNCERTAIN, "tool_gave_up", True, True),
    425: _LATER,
    429: _LATER,
}
_HUNDREDS: Mapping[int, Row] = {
    3: Row(FAILED, "redirected", True, False),
    4: Row(FAILED, "tool_refused", True, False),
    5: Row(UNCERTAIN, "tool_error", True, True),
}
_UNKNOWN = Row(UNCERTAIN, "answer_unknown", True, False)


def row_of(answer: Answer, *, readable: bool) -> Row:
    """The row for an answer. `readable`: its body is JSON or empty."""
    if 200 <= answer.status < 300:
        return _SUCCESS if readable or answer.framed else _UNREADABLE
    return _EXACT.get(answer.status) or _HUNDREDS.get(answer.status // 100, _UNKNOWN)


def classify(
    happened: Answer | Broken, *, read: bool = False, keyed: bool = False, attempt: int = 1, clean: bool = False
) -> Outcome:
    """The outcome of one exchange.

    `read`: the call cannot have an effect; `keyed`: the tool honours our key; `attempt`: from 1; `clean`: every attempt
    before this one is known to have done nothing.
    """
    if isinstance(happened, Broken):
        row = BROKEN[happened.why]
        outcome = _outcome(row, happened.text, dict(happened.evidence))
    else:
        result, unreadable = _read(happened)
        row = row_of(happened, readable=not unreadable)
        evidence: dict[str, JSON] = {"http_status": happened.status} | _receipts(happened.headers)
        if row.status is DONE:
            if unreadable:
                evidence["unreadable"] = unreadable
            return Outcome(DONE, result=result, sent=True, evidence=evidence)
        said = _said(result)
        outcome = _outcome(row, _sentence(row, happened, said), evidence | ({"said": said} if said else {}))
        if happened.status in _SAYS_WHEN:
            outcome = replace(outcome, retry_after=retry_after(happened.headers))
        if keyed and not read and attempt > 1 and not clean and happened.status in _ABOUT_THIS_ATTEMPT:
            outcome = replace(outcome, status=UNCERTAIN)
    waits = outcome.retry_after is not None
    if read and outcome.status is UNCERTAIN and (attempt >= READ_ATTEMPTS or waits or not row.again):
        return replace(outcome, status=FAILED)
    return outcome


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait, from 1 to LONGEST_WAIT; None where it says nothing readable.

    A date counts from the answer's own Date, or else from this host's clock: the clocks need not agree.
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        seconds = float(said[:9])
    else:
        until, since = _moment(said), _moment(headers.get("date", "")) or datetime.now(UTC)
        if until is None:
            return None
        seconds = (until - since).total_seconds()
    return min(max(seconds, 1.0), LONGEST_WAIT)


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _outcome(row: Row, text: str, evidence: dict[str, JSON]) -> Outcome:
    return Outcome(row.status, error=Error(row.code, text), sent=row.sent, evidence=evidence, retryable=row.again)


def _read(answer: Answer) -> tuple[JSON, str]:
    """The body as JSON, or as text with the reason why it is not JSON. Compressed bodies are not unpacked."""
    if not answer.body:
        return None, ""
    if answer.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        return None, "compressed, which was not asked for"
    try:
        return parse(answer.body, max_bytes=len(answer.body), max_keys=100_000, max_values=200_000), ""
    except BadJSON as error:
        text = display(answer.body[: 4 * LONGEST_TEXT].decode("utf-8", "replace"), limit=LONGEST_TEXT)
        return {"text": text}, error.message[:200]


def _said(result: JSON, depth: int = 3) -> str:
    """The words in which a tool refused: the first text under one of the usual names."""
    if isinstance(result, str):
        return display(result, one_line=True, limit=LONGEST_EXCUSE).strip()
    found: list[Any] = []
    if depth and isinstance(result, dict):
        found = [result[name] for name in (*_SAYING, "errors", "text") if name in result]
    elif depth and isinstance(result, list):
        found = result[:3]
    return next((said for inner in found if (said := _said(inner, depth - 1))), "")


def _sentence(row: Row, answer: Answer, said: str) -> str:
    if row.code == "redirected":
        return f"The tool answered {answer.status} and pointed elsewhere; redirects are not followed."
    if row.code == "answer_unreadable":
        return f"The tool answered {answer.status}, but its answer may have been cut."
    return f"The tool answered {answer.status}: {said}" if said else f"The tool answered {answer.status}."


def _receipts(headers: Mapping[str, str]) -> dict[str, JSON]:
    """Headers by which the tool's owner finds this call again, and when to come back."""
    names = ("retry-after", "x-request-id", "request-id", "location", "etag")
    return {
        name.replace("-", "_"): display(headers[name], one_line=True, limit=200) for name in names if name in headers
    }
