"""A wrong setting stops the start and names its variable; secrets are never repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lam_app import environment as env
from lam_app.logs import HIDDEN, hide_secrets

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "hunter2hunter2"


def start(settings: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    clean = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *command], cwd=PROJECT, env=clean | settings, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAM_SWEEP_SECONDS", "soon"),
        ("LAM_SWEEP_SECONDS", "0"),
        ("LAM_PERMIT_SECONDS", "-5"),
        ("LAM_REVIEW_SECONDS", "1e9"),
        ("LAM_LEASE_SECONDS", "٣"),
        ("DATABASE_URL", f"mysql://me:{PASSWORD}@host/db"),
        ("DATABASE_URL", f"postgresql://me:{PASSWORD}@host"),
        ("REDIS_URL", f"http://:{PASSWORD}@host"),
        ("OPENAI_BASE_URL", "file:///etc/passwd"),
        ("DEBUG", "maybe"),
        ("LAM_TOOLS", "os; import this"),
        ("LAM_LOG_LEVEL", "LOUD"),
        ("LAM_DEMO", "everything"),
        ("LAM_MAIL_URL", f"imap://me:{PASSWORD}@host"),
        ("LAM_MAIL_FROM", "nobody in particular"),
        ("LAM_PUBLIC_URL", "javascript:alert(1)"),
        ("LAM_CHECKPOINT_URL", "ftp://host/"),
        ("LAM_CHECKPOINT_SECRET", f"whsec_{PASSWORD}"),
        ("LAM_CHECKPOINT_SECRET", "bm90IHByZWZpeGVkIGFuZCBsb25nIGVub3VnaCwgcmVhbGx5"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_starts(name: str, value: str, tmp_path: Path) -> None:
    done = start({name: value, "LAM_HOME": str(tmp_path)}, "up", "--port", "1")
    assert done.returncode != 0
    assert name in done.stderr
    assert PASSWORD not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"DEBUG": "1"}, "DEBUG"), ({"SECRET_KEY": "short"}, "SECRET_KEY"), ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS")],
)
def test_unsafe_settings_are_refused_outside_the_demo(settings: dict[str, str], word: str, tmp_path: Path) -> None:
    done = start(settings | {"LAM_HOME": str(tmp_path)}, "up", "--port", "18999")
    assert done.returncode == 1
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_whole_numbers_keep_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N", " 7 ")
    assert env.whole("N", 1, 0, 10) == 7
    monkeypatch.setenv("N", "")
    assert env.whole("N", 1, 0, 10) == 1
    monkeypatch.setenv("N", "9" * 5000)
    with pytest.raises(env.WrongSetting, match="N: "):
        env.whole("N", 1, 0, 10)


def test_an_address_is_taken_apart_with_its_escapes() -> None:
    found = env.database("DATABASE_URL", "postgresql://a%40b:p%2Fw@/db?host=/run/pg&port=5433&sslmode=require")
    assert found == {
        "user": "a@b", "password": "p/w", "dbname": "db", "host": "/run/pg", "port": "5433", "sslmode": "require",
    }  # fmt: skip


def test_a_mail_server_is_taken_apart_with_its_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAM_MAIL_URL", "smtps://a%40b:p%2Fw@mail.example.org")
    assert env.mail_server("LAM_MAIL_URL") == {
        "host": "mail.example.org", "port": 465, "username": "a@b", "password": "p/w", "use_tls": False,
        "use_ssl": True,
    }  # fmt: skip
    monkeypatch.setenv("LAM_MAIL_URL", "smtp+tls://mail.example.org:2525")
    assert (env.mail_server("LAM_MAIL_URL")["port"], env.mail_server("LAM_MAIL_URL")["use_tls"]) == (2525, True)
    monkeypatch.delenv("LAM_MAIL_URL")
    assert env.mail_server("LAM_MAIL_URL") == {}


def test_who_mail_is_from_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ("notices@example.org", "Countersign <notices@example.org>"):
        monkeypatch.setenv("LAM_MAIL_FROM", said)
        assert env.mail_sender("LAM_MAIL_FROM") == said
    for wrong in ("nobody", "@example.org", "a b@example.org <", "änn@example.org"):
        monkeypatch.setenv("LAM_MAIL_FROM", wrong)
        with pytest.raises(env.WrongSetting, match="LAM_MAIL_FROM"):
            env.mail_sender("LAM_MAIL_FROM")


def test_celery_is_given_the_same_redis() -> None:
    assert env.broker("unix://:secret@/run/redis.sock?db=2") == "redis+socket://:secret@/run/redis.sock?virtual_host=2"
    assert env.broker("redis://:secret@host:6379/0") == "redis://:secret@host:6379/0"


@pytest.mark.parametrize(
    ("event", "hidden"),
    [
        ({"event": "x", "password": PASSWORD}, "password"),
        ({"event": "x", "Authorization": f"Bearer {PASSWORD}"}, "Authorization"),
        ({"event": f"connecting to redis://:{PASSWORD}@host/0"}, "event"),
        ({"event": f"connecting to postgresql://me:{PASSWORD}@host/db"}, "event"),
        ({"event": f"sent Bearer {PASSWORD}"}, "event"),
    ],
)
def test_logs_hide_secrets(event: dict[str, str], hidden: str) -> None:
    shown = hide_secrets(None, "info", dict(event))
    assert PASSWORD not in str(shown)
    assert HIDDEN in shown[hidden]
