"""What is secret is hidden by its name, by its shape and by its value; what is not is left as it is."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from lam_app.logs import logging_config
from traces import redaction
from traces.redaction import HIDDEN, hidden, hidden_in


@pytest.fixture(autouse=True)
def _nothing_is_learnt_for_others() -> Iterator[None]:
    before = redaction._known
    yield
    redaction._known = before


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://lam:hunter2hunter2@db:5432/x", "hunter2hunter2"),
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def-ghi_jkl"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("the key is sk-Abcdefgh12345678", "Abcdefgh12345678"),
        ("token cs_abcdefgh_0123456789abcdef", "0123456789abcdef"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("ghp_0123456789abcdefghij0123456789abcdef", "0123456789abcdefghij0123456789abcdef"),
        ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
        ("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0", "c2lnbmF0dXJlLW9mLWl0"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----", "MC4CAQAwBQYDK2Vw"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw (cut)", "MC4CAQAwBQYDK2Vw"),
        ("api_key=9f8e7d6c5b4a", "9f8e7d6c5b4a"),
        ('{"password": "tr0ub4dor&3"}', "tr0ub4dor"),
    ],
)
def test_what_looks_like_a_key_is_hidden_in_text(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in hidden(text)
    assert HIDDEN in hidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your order 1009 is delayed until Friday.",
        "Please reset the password: the customer forgot it.",
        "https://example.com/orders/1009?page=2",
        "sha256:2e0bfa59209743089edc4433471be80cab1c737b748227fc42a4369934ab1813",
        "01a20083-37b2-717e-bea4-1fb22efdd70e",
        "The bearer of bad news; the basic idea.",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert hidden(text) == text


def test_fields_are_hidden_by_their_name_however_deep() -> None:
    said = {
        "id": 7,
        "next_page_token": "abc",
        "auth": {"Access-Token": "whatever", "user": "ada"},
        "rows": [{"api_key": "plain words"}, {"pin": 1, "password": 12345678}],
        "secret_fields": ["body"],
        "password": "",
        "cookie": False,
    }
    assert hidden_in(said) == {
        **said,
        "auth": {"Access-Token": HIDDEN, "user": "ada"},
        "rows": [{"api_key": HIDDEN}, {"pin": 1, "password": HIDDEN}],
    }


def test_what_the_process_was_given_is_hidden_by_its_value() -> None:
    redaction.learn(
        {"STRIPE_SECRET": "plainwordsecret", "DATABASE_URL": "postgres://u:swordfish9@h/d", "HOME": "/srv/ada-lovelace",
         "LAM_CREDENTIAL_KEY": "/var/lib/keys/credential", "MY_TOKEN": "short"},
        "given-otherwise",
    )  # fmt: skip
    text = "plainwordsecret swordfish9 given-otherwise /srv/ada-lovelace /var/lib/keys/credential short"
    assert hidden(text) == f"{HIDDEN} {HIDDEN} {HIDDEN} /srv/ada-lovelace /var/lib/keys/credential short"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged while the product's logging is set up, without touching how the tests are set up."""
    made = logging_config("INFO")
    formatter = made["formatters"]["json"]
    handler = logging.StreamHandler(io.StringIO())
    arguments = {key: value for key, value in formatter.items() if key != "()"}
    handler.setFormatter(formatter["()"](**arguments))
    logger = logging.getLogger("tests.written")
    logger.propagate, logger.handlers = False, [handler]
    logger.setLevel("INFO")
    yield handler.stream
    logger.handlers, logger.propagate = [], True


FORGED = [
    'harmless\n{"event":"approved","level":"info"}',
    'harmless\r\n{"event":"approved"}\r\n',
    "harmless\u2028\u2029\x85\x0b\x0c\x1b[2J\x00",
    '"}\n{"event": "approved"',
]


@pytest.mark.parametrize("said", FORGED)
@pytest.mark.parametrize("way", ["message", "argument", "exception", "extra"])
def test_t98_whatever_is_logged_is_one_line_and_one_object(way: str, said: str, written: io.StringIO) -> None:
    logger = logging.getLogger("tests.written")
    if way == "message":
        logger.info(said)
    elif way == "argument":
        logger.info("heard %s", said)
    elif way == "extra":
        logger.info("heard", extra={"heard": said})
    else:
        try:
            raise ValueError(said)
        except ValueError:
            logger.exception("it failed")
    text = written.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("}\n")
    assert text[:-1].isascii()
    assert text[:-1].isprintable()
    entry = json.loads(text)
    assert entry["event"] != "approved"
    assert entry["level"] in {"info", "error"}


def test_t97_a_secret_is_in_no_line_of_the_log_however_it_comes_there(written: io.StringIO) -> None:
    redaction.learn({"SOME_SECRET": "canary-by-value"})
    logger = logging.getLogger("tests.written")
    logger.info("said canary-by-value")
    logger.info("said %s", {"password": "canary-by-name-1"})
    logger.info("said %s", "api_key=canary-by-shape-1")
    try:
        raise RuntimeError("postgres://u:canary-in-address@h/d")
    except RuntimeError:
        logger.exception("it failed")
    assert written.getvalue().count("\n") == 4
    assert "canary" not in written.getvalue()
