"""Readers of environment variables that speak up: a wrong value stops the start and names its variable.

A setting that is silently wrong is found at three in the morning; one that is refused is found at once.
Nothing here imports Django, so that the supervisor can use it before Django is loaded.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class WrongSetting(Exception):
    """An environment variable holds a value that cannot be meant."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


def text(name: str, default: str = "", env: Mapping[str, str] | None = None) -> str:
    """The value without surrounding blanks; unset and empty both mean the default.

    Raises WrongSetting for control characters, which only a quoting mistake brings in.
    """
    value = (os.environ if env is None else env).get(name, "").strip()
    if any(ord(char) < 32 for char in value):
        raise WrongSetting(name, "contains a control character")
    return value or default


def flag(name: str, default: bool = False) -> bool:
    """A yes or a no; anything else raises WrongSetting."""
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise WrongSetting(name, f"must be one of 1, 0, true, false, yes, no, on, off; got {value!r}")


def whole(name: str, default: int, least: int, most: int) -> int:
    """A whole number within both bounds; anything else raises WrongSetting."""
    value = text(name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit()):
        raise WrongSetting(name, f"must be a whole number from {least} to {most}; got {value!r}")
    number = int(value[:20])
    if not least <= number <= most:
        raise WrongSetting(name, f"must lie between {least} and {most}; got {value}")
    return number


def names(name: str) -> list[str]:
    """A comma separated list without empty items."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def modules(name: str) -> list[str]:
    """A comma separated list of dotted Python module names; anything else raises WrongSetting."""
    found = names(name)
    for item in found:
        if not all(part.isidentifier() for part in item.split(".")):
            raise WrongSetting(name, f"{item!r} is not the dotted name of a Python module")
    return found


def places(name: str) -> frozenset[str]:
    """A comma separated list of ``host:port`` in lower case; anything else raises WrongSetting."""
    found = frozenset(item.lower() for item in names(name))
    for item in found:
        host, _, port = item.rpartition(":")
        plain = all(char.isascii() and (char.isalnum() or char in "-._:[]") for char in host)
        if not (host and plain and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
            raise WrongSetting(name, f"{item!r} is not host:port")
    return found


def path(name: str, default: Path) -> Path:
    """An absolute path; a relative one is taken from the current directory."""
    value = text(name)
    return Path(value).expanduser().absolute() if value else default.absolute()


def url(name: str, schemes: frozenset[str], default: str = "") -> str:
    """An address with one of the schemes; anything else raises WrongSetting. The value itself is never repeated,
    because it may hold a password."""
    value = text(name) or default
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise WrongSetting(name, f"is not an address ({error})") from None
    if parts.scheme not in schemes:
        raise WrongSetting(name, f"must begin with one of {', '.join(sorted(f'{s}://' for s in schemes))}")
    if not parts.netloc and not parts.path:
        raise WrongSetting(name, "names no server")
    return value


DATABASE_SCHEMES = frozenset({"postgres", "postgresql"})
REDIS_SCHEMES = frozenset({"redis", "rediss", "unix"})
HTTP_SCHEMES = frozenset({"http", "https"})


def database(name: str, value: str) -> dict[str, str]:
    """The parts of a libpq address: keyword → value, as libpq names them (host, port, user, password, dbname, …).

    Raises WrongSetting when no database is named.
    """
    parts = urlsplit(value)
    found = dict(parse_qsl(parts.query, keep_blank_values=False))
    if parts.hostname:
        found["host"] = unquote(parts.hostname)
    if parts.port:
        found["port"] = str(parts.port)
    if parts.username:
        found["user"] = unquote(parts.username)
    if parts.password:
        found["password"] = unquote(parts.password)
    dbname = unquote(parts.path.lstrip("/"))
    if not dbname:
        raise WrongSetting(name, "names no database (postgresql://user:password@host/DATABASE)")
    found["dbname"] = dbname
    return found


def broker(redis_url: str) -> str:
    """The same Redis as Celery spells it: a socket's path moves behind ``redis+socket://``."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    password = f":{parts.password}@" if parts.password else ""
    number = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{password}{parts.path}?virtual_host={number}"


def secret_file(place: Path) -> str:
    """A secret kept in a file of its own; empty when it is missing or not ours to read."""
    try:
        return place.read_text().strip()
    except OSError:
        return ""


MAIL_SCHEMES = frozenset({"smtp", "smtp+tls", "smtps"})


def mail_server(name: str) -> dict[str, Any]:
    """The mail server of ``smtp://`` (in the clear), ``smtp+tls://`` (STARTTLS) or ``smtps://``, as Django's mail
    backend names its parts; empty where none is set. Anything else raises WrongSetting.
    """
    value = url(name, MAIL_SCHEMES)
    if not value:
        return {}
    parts = urlsplit(value)
    if not parts.hostname:
        raise WrongSetting(name, "names no server")
    return {
        "host": parts.hostname,
        "port": parts.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": parts.scheme == "smtps",
    }


def mail_sender(name: str) -> str:
    """A mail address, with or without a name before it in angle brackets; anything else raises WrongSetting."""
    value = text(name)
    address = parseaddr(value)[1]
    local, at, domain = address.rpartition("@")
    if value and not (at and local and domain and address.isascii() and " " not in address):
        raise WrongSetting(name, "is not a mail address")
    return value


def signing_secret(name: str) -> str:
    """A secret as Standard Webhooks writes it, ``whsec_`` and Base64 of 24 bytes or more; anything else raises
    WrongSetting."""
    value = text(name)
    try:
        long_enough = not value or len(base64.b64decode(value.removeprefix("whsec_"), validate=True)) >= 24
    except ValueError:
        long_enough = False
    if value and not (value.startswith("whsec_") and long_enough):
        raise WrongSetting(name, "must be whsec_ and the Base64 of 24 random bytes or more")
    return value


def running_services(home: Path) -> dict[str, str]:
    """What a running `up` wrote down for commands started beside it; empty when there is none or it is not ours."""
    try:
        noted = json.loads((home / "run" / "services.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in noted.items()} if isinstance(noted, dict) else {}
