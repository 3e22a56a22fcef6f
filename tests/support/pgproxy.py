"""A proxy in front of PostgreSQL that knows where a process commits, and can end the process exactly there.

It listens on a socket of its own; the kernel says which process is at the other end. Of every process that is being
watched it counts the *boundaries*: each COMMIT, and each writing statement outside of a transaction, which commits
by itself. At the k-th one it strikes, in one of three ways:

* before: the process is killed and the message never reaches PostgreSQL;
* ambiguous: PostgreSQL commits, and the process is killed before it hears of it;
* after: the process hears of it and is killed then.

With ``spare`` only the connection is cut and the process lives on: the same three moments of a broken network.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

_WRITES = re.compile(
    r"^\s*(INSERT|UPDATE|DELETE|WITH\b.*\b(INSERT INTO|UPDATE|DELETE FROM)\b)", re.IGNORECASE | re.DOTALL
)
_COMMITS = re.compile(r"^\s*(COMMIT|END)\b", re.IGNORECASE)
# A worker's life is told beside the road, on a clock of its own (every second; when somebody looks for the dead).
_BESIDE_THE_ROAD = re.compile(r"^\s*UPDATE \"?tools_worker\b", re.IGNORECASE)
_SSL, _GSS = 80877103, 80877104


class Mode(StrEnum):
    """When the process dies, seen from the commit."""

    BEFORE = "before"
    AMBIGUOUS = "ambiguous"
    AFTER = "after"


@dataclass
class Watch:
    """What is seen of one process, and what is to happen to it."""

    pid: int
    at: int = 0
    """At which boundary to strike, from 1; 0 only counts."""
    mode: Mode = Mode.BEFORE
    spare: bool = False
    seen: list[str] = field(default_factory=list)
    """The statements of the boundaries so far."""
    struck: threading.Event = field(default_factory=threading.Event)
    struck_at: float = 0.0
    """When, on the monotonic clock."""


class PgProxy:
    """``with PgProxy(upstream, directory) as proxy``: clients of ``directory`` reach the server behind ``upstream``."""

    def __init__(self, upstream: Path, directory: Path) -> None:
        self.upstream, self.directory = upstream, directory
        self.guard = threading.Lock()
        self._watched: dict[int, Watch] = {}
        self._known: set[int] = set()
        self._newcomers: dict[str, Watch] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def __enter__(self) -> PgProxy:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._listener.bind(str(self.directory / self.upstream.name))
        self._listener.listen(64)
        self._listener.settimeout(0.2)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def watch(self, pid: int, at: int = 0, mode: Mode = Mode.BEFORE, *, spare: bool = False) -> Watch:
        """Count this process's boundaries from now on, and strike at the ``at``-th."""
        with self.guard:
            self._watched[pid] = Watch(pid, at, mode, spare)
            return self._watched[pid]

    def watch_newcomer(self, name: str, at: int = 0, mode: Mode = Mode.BEFORE, *, spare: bool = False) -> Watch:
        """The same for the next new process with this ``application_name``; every boundary of its life counts."""
        with self.guard:
            self._newcomers[name] = Watch(0, at, mode, spare)
            return self._newcomers[name]

    def arrived(self, pid: int, name: str) -> None:
        """A process has connected."""
        with self.guard:
            if pid not in self._known and name in self._newcomers:
                self._watched[pid] = self._newcomers.pop(name)
                self._watched[pid].pid = pid
            self._known.add(pid)

    def watched(self, pid: int) -> Watch | None:
        """The watch over this process that has not struck yet."""
        watch = self._watched.get(pid)
        return None if watch is None or watch.struck.is_set() else watch

    def stopping(self) -> bool:
        """Whether connections have to end."""
        return self._stopping.is_set()

    def _start(self, run: object, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, name="pgproxy", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._start(_Connection(self, client).run)


class _Connection:
    """One client's connection, message by message."""

    def __init__(self, proxy: PgProxy, client: socket.socket) -> None:
        self.proxy, self.client = proxy, client
        client.setblocking(True)
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        self.pid: int = struct.unpack("3i", credentials)[0]
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.statements: dict[bytes, str] = {}  # prepared, by name
        self.group: list[bytes] = []  # messages up to the one that makes the server answer
        self.texts: list[str] = []
        self.started = False
        self.idle = True  # outside of a transaction
        self.due: Watch | None = None  # strikes when the server has answered

    def run(self) -> None:
        with self.client, self.server, contextlib.suppress(OSError):
            self.server.connect(str(self.proxy.upstream))
            buffers = {self.client: b"", self.server: b""}
            while not self.proxy.stopping():
                for ready in select.select([self.client, self.server], [], [], 0.2)[0]:
                    if not (chunk := ready.recv(65536)):
                        return
                    rest = buffers[ready] + chunk
                    going = True
                    while going and (length := self._whole(rest, ready is self.client)):
                        message, rest = rest[:length], rest[length:]
                        going = self._asked(message) if ready is self.client else self._answered(message)
                    if not going:
                        return
                    buffers[ready] = rest

    def _whole(self, data: bytes, from_client: bool) -> int:
        """The length of the first message, 0 while it is incomplete. The very first one has no type byte."""
        head = 0 if from_client and not self.started else 1
        if len(data) < head + 4:
            return 0
        length = head + int(struct.unpack_from("!i", data, head)[0])
        return length if len(data) >= length else 0

    def _asked(self, message: bytes) -> bool:
        """A message of the client. False when the connection is over."""
        if not self.started:
            if struct.unpack_from("!i", message, 4)[0] in {_SSL, _GSS}:
                self.client.sendall(b"N")
                return True
            self.started = True
            said = message[8:].split(b"\0")
            about = dict(zip(said[::2], said[1::2], strict=False))
            self.proxy.arrived(self.pid, about.get(b"application_name", b"").decode())
            self.server.sendall(message)
            return True
        self._read(message)
        self.group.append(message)
        if message[:1] in b"PBDEC":  # more of this group follows
            return True
        boundary = self._boundary() if message[:1] in b"QS" else ""
        group, self.group, self.texts = b"".join(self.group), [], []
        if boundary and (watch := self._counted(boundary)) is not None:
            if watch.mode is Mode.BEFORE:
                self._strike(watch)
                return False
            self.due = watch
        self.server.sendall(group)
        return True

    def _read(self, message: bytes) -> None:
        """Note which statements this message runs."""
        kind, body = message[:1], message[5:]
        if kind == b"Q":
            self.texts.append(body.split(b"\0", 1)[0].decode(errors="replace"))
        elif kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self.statements[name] = text.decode(errors="replace")
        elif kind == b"B":
            self.texts.append(self.statements.get(body.split(b"\0", 2)[1], ""))

    def _boundary(self) -> str:
        """The statement that commits, if one of the group does."""
        for text in self.texts:
            if _COMMITS.match(text) or (self.idle and _WRITES.match(text) and not _BESIDE_THE_ROAD.match(text)):
                return " ".join(text.split())[:100]
        return ""

    def _counted(self, boundary: str) -> Watch | None:
        """Count it. Returns the watch when it is time to strike."""
        with self.proxy.guard:
            watch = self.proxy.watched(self.pid)
            if watch is None:
                return None
            watch.seen.append(boundary)
            return watch if len(watch.seen) == watch.at else None

    def _answered(self, message: bytes) -> bool:
        """A message of the server. False when the connection is over."""
        done = message[:1] == b"Z" and self.started
        if self.due is None or self.due.mode is Mode.AFTER:
            self.client.sendall(message)
        if done:
            self.idle = message[5:6] == b"I"
            if self.due is not None:
                self._strike(self.due)
                return False
        return True

    def _strike(self, watch: Watch) -> None:
        if not watch.spare:
            os.kill(self.pid, signal.SIGKILL)
        watch.struck_at = time.monotonic()
        watch.struck.set()
