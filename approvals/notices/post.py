"""The two ways out of the house: mail and webhooks. What goes wrong is said in words that a person can act on.

Nothing here knows a row. A failure says whether the address itself is wrong or the server is not to be had, and
whether trying again can help.
"""

import json
import smtplib
import ssl
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import EmailValidator
from django.template.loader import render_to_string

from approvals.notices.words import headline, risk_words
from tools.egress import EgressRefused, Target, target
from tools.wire import Answer, Broken, NotWritable, exchange
from traces.signed import key_of, signature

SECONDS: Final = 10
"""How long a mail server or a webhook may take for one step."""
LONGEST_PROBLEM: Final = 300


class NotSent(Exception):
    """It was not taken. The words are for people."""

    def __init__(self, words: str, *, server: bool = False, final: bool = False) -> None:
        """``server``: nobody's mail goes out now, whatever the address. ``final``: another attempt would not help."""
        self.words, self.server, self.final = words[:LONGEST_PROBLEM], server, final
        super().__init__(self.words)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said to one address. ``id`` is the same at every attempt."""

    id: uuid.UUID
    lines: Sequence[dict[str, Any]]
    count: int
    trial: bool = False

    @property
    def headline(self) -> str:
        """One line above it all."""
        if self.trial:
            return "This is a test. Notices reach you here"
        first = self.lines[0] if self.lines else {"risk": ""}
        return headline([line["title"] for line in self.lines], first["risk"], self.count)

    def context(self) -> dict[str, Any]:
        """What the templates show."""
        base = settings.LAM_PUBLIC_URL
        lines = [
            {**line, "url": f"{base}{line['path']}", "risk_words": risk_words(line["risk"])} for line in self.lines
        ]
        return {
            "headline": self.headline,
            "lines": lines,
            "more": max(0, self.count - len(lines)),
            "trial": self.trial,
            "list": f"{base}/notices/",
            "settings": f"{base}/settings/notices/",
        }


def mail_is_set() -> bool:
    """Whether this installation says where its mail goes. Which server that is, only the process that sends knows."""
    return bool(settings.LAM_MAIL_FROM)


def mail(letter: Letter, to: str) -> None:
    """Hand a letter to the mail server. Raises NotSent."""
    if not (settings.LAM_MAIL_FROM and settings.LAM_MAIL_SERVER):
        raise NotSent("No mail server is set up: LAM_MAIL_URL and LAM_MAIL_FROM say which.", server=True)
    message = _letter(letter, to)
    post = get_connection("django.core.mail.backends.smtp.EmailBackend", timeout=SECONDS, **settings.LAM_MAIL_SERVER)
    try:
        post.open()
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(_server_words(error), server=True) from error
    try:
        post.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (0, b""))
        words = f"The mail server does not take mail for this address ({code} {_said(said)})."
        raise NotSent(words, final=500 <= code < 600) from error
    except smtplib.SMTPSenderRefused as error:
        words = f"The mail server takes no mail from {settings.LAM_MAIL_FROM} ({error.smtp_code})."
        raise NotSent(words, server=True) from error
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"The mail server did not take it ({error.smtp_code} {_said(error.smtp_error)}).") from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(_server_words(error), server=True) from error
    finally:
        _hang_up(post)


def _hang_up(post: Any) -> None:
    try:
        post.close()
    except (OSError, smtplib.SMTPException):  # it has taken the letter, or said why not
        post.connection = None


def _letter(letter: Letter, to: str) -> EmailMultiAlternatives:
    """The letter with its headers. Its id is the message's own, by which mail programs know a repetition."""
    EmailValidator()(to)  # once more: nothing but an address ever gets into a header
    context = letter.context()
    domain = parseaddr(settings.LAM_MAIL_FROM)[1].rpartition("@")[2] or "countersign"
    message = EmailMultiAlternatives(
        subject=" ".join(letter.headline.split()),
        body=render_to_string("notices/mail.txt", context),
        from_email=settings.LAM_MAIL_FROM,
        to=[to],
        headers={
            "Message-ID": f"<{letter.id}@{domain}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    message.attach_alternative(render_to_string("notices/mail.html", context), "text/html")
    return message


def _server_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"The mail server does not accept the name and password it was given ({error.smtp_code})."
    if isinstance(error, ssl.SSLError):
        return f"No safe connection to the mail server: {error.reason or error}."
    if isinstance(error, ConnectionRefusedError):
        return "The mail server refused the connection: nothing listens there."
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time."
    if isinstance(error, smtplib.SMTPException):
        return "The mail server hung up or did not speak as a mail server does."
    return "The mail server could not be reached."


def _said(text: bytes | str) -> str:
    plain = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(c if " " <= c <= "~" else " " for c in plain).split())[:120]


def webhook(letter: Letter, url: str, key: str) -> None:
    """Post a letter to a webhook, signed as Standard Webhooks has it. Raises NotSent for all but a 2xx."""
    body = json.dumps(_payload(letter), separators=(",", ":"), ensure_ascii=True).encode()
    at = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(letter.id),
        "webhook-timestamp": at,
        "webhook-signature": signature(key_of(key), str(letter.id), at, body),
    }
    try:
        where = target(url)
        answer = exchange(
            "POST", url, headers, body, network={where.place}, private=settings.LAM_NOTICE_PRIVATE, seconds=SECONDS
        )
    except (EgressRefused, NotWritable) as error:
        raise NotSent("The webhook's address cannot be called.", final=True) from error
    _taken(answer, where)


def _taken(answer: Answer | Broken, where: Target) -> None:
    if isinstance(answer, Broken):
        words = answer.text.replace("tools may not", "webhooks may not")
        raise NotSent(words, final=answer.why == "egress_refused")
    if answer.status == 410:
        raise NotSent(f"{where.host} says that nobody listens there any more (410).", final=True)
    if not 200 <= answer.status < 300:
        said = _said(answer.body[:200])
        raise NotSent(f"{where.host} answered {answer.status}{f': {said}' if said else ''}.")


def _payload(letter: Letter) -> dict[str, Any]:
    """``text`` is for chats, which show it as it is; ``type``, ``timestamp`` and ``data`` are for programs."""
    context = letter.context()
    said = [f"{_chat(line['title'])}{_tail(line)}: {line['url']}" for line in context["lines"]]
    if context["more"]:
        said.append(f"And {context['more']} more: {context['list']}")
    return {
        "type": "notice.test" if letter.trial else "notice",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "text": "\n".join(said) or f"{_chat(letter.headline)}: {context['settings']}",
        "data": {
            "id": str(letter.id),
            "count": letter.count,
            "notices": [
                {"kind": line["kind"], "title": line["title"], "risk": line["risk"], "url": line["url"]}
                for line in context["lines"]
            ],
        },
    }


def _tail(line: dict[str, Any]) -> str:
    return f" ({line['risk_words']})" if line["risk_words"] else ""


def _chat(text: str) -> str:
    """As chats read it: these three begin links and calls to everybody, and a name must do neither."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
