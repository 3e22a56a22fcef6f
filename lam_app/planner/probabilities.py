"""Finds the chosen tool's name among the tokens of an answer, and what else could have stood there. Pure.

Token boundaries are the server's: a name may be one token or ten, and its first token may begin before the name.
"""

import json
import math
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, TypeAlias

from lam_app.planner.draft import Alternative

MOST_ALTERNATIVES = 10
Placed: TypeAlias = tuple[int, bytes, dict[str, Any]]
"""Where a token begins in the answer's bytes, its own bytes, and the token."""


def member_span(text: str, *path: str) -> tuple[int, int] | None:
    """Where the value at `path` begins and ends in a JSON object's text, or None."""
    decoder = json.JSONDecoder(strict=False)
    try:
        at = _blank(text, 0)
        for depth, wanted in enumerate(path):
            if text[at] != "{":
                return None
            at = _blank(text, at + 1)
            while True:
                key, at = scanstring(text, at + 1, False)
                at = _blank(text, _blank(text, at) + 1)
                if key == wanted:
                    break
                _, at = decoder.raw_decode(text, at)
                at = _blank(text, at)
                if text[at] != ",":
                    return None
                at = _blank(text, at + 1)
            if depth == len(path) - 1:
                return at, decoder.raw_decode(text, at)[1]
    except (ValueError, IndexError, RecursionError):
        return None
    return None


def tool_probabilities(
    text: str, tokens: Sequence[Any], names: Sequence[str]
) -> tuple[float | None, tuple[Alternative, ...]]:
    """The log-probability of the tool's name as written, and the alternatives at its tokens, likeliest first.

    (None, ()) where the tokens do not add up to the text, or where the answer names no tool.
    """
    span = member_span(text, "next", "tool")
    if span is None or span[1] - span[0] < 2:
        return None, ()
    whole = text.encode("utf-8", "replace")
    begin, end = (len(text[:at].encode("utf-8", "replace")) for at in (span[0] + 1, span[1] - 1))
    try:
        return _shared(_placed(tokens, whole), whole, begin, end, names)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None, ()  # whatever these are, they are not the tokens of this text


def _shared(
    placed: Sequence[Placed], whole: bytes, begin: int, end: int, names: Sequence[str]
) -> tuple[float, tuple[Alternative, ...]]:
    total = 0.0
    found: dict[str, float] = {}
    for at, written, token in placed:
        if at + len(written) <= begin or at >= end:
            continue
        early = max(0, begin - at)  # bytes of this token that stand before the name
        for other in token.get("top_logprobs") or ():
            alternative = _written(other)
            if alternative != written and alternative[:early] == written[:early]:
                label = _label((whole[begin:at] + alternative[early:]).decode("utf-8", "replace"), names)
                found[label] = found.get(label, 0.0) + math.exp(min(0.0, total + float(other["logprob"])))
        total += min(0.0, float(token["logprob"]))
    if not math.isfinite(total):
        raise ValueError("a token without a probability")
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_ALTERNATIVES]
    return total, tuple(Alternative(name, probability) for name, probability in ranked)


def _blank(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _written(token: dict[str, Any]) -> bytes:
    """A token's bytes; servers leave `bytes` out, and then the text has to do."""
    return bytes(token["bytes"]) if token.get("bytes") else str(token["token"]).encode()


def _placed(tokens: Sequence[Any], whole: bytes) -> list[Placed]:
    """Each token with its offset in the text; ValueError where they do not add up to it."""
    at, out = 0, []
    for token in tokens:
        written = _written(token)
        if whole[at : at + len(written)] != written:
            if at == 0:
                continue  # some servers report the marks that open a turn
            break
        out.append((at, written, token))
        at += len(written)
    if at < len(whole):
        raise ValueError("the tokens do not add up to the text")
    return out


def _label(named: str, names: Sequence[str]) -> str:
    """Which tool the beginning of a name leads to."""
    if '"' in named:
        return named.partition('"')[0]
    leading = [name for name in names if name.startswith(named)]
    if len(leading) == 1:
        return leading[0]
    return f"{named}…" if leading else named
