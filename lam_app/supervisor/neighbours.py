"""What runs beside the product without being part of it: the stand-in model, and the demo's back office."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from lam_app.supervisor.nursery import interpreter
from lam_app.supervisor.places import Account, Places, account, owned_directory
from lam_app.supervisor.processes import Child, child_of
from lam_app.supervisor.programs import Program, launch

HOST = "127.0.0.1"
KEPT_PORTS = range(20_000, 32_000)  # below those that operating systems lend out for a connection


def stand_in(project: Path, logs: Path, port: int) -> Child:
    """The model that ships with the product."""
    return child_of(
        Program(
            "stand-in",
            [sys.executable, "-m", "lam_app.planner.standin", "--port", str(port)],
            {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
            logs / "stand-in.log",
            ready=lambda: answers(port),
            directory=str(project),
        )
    )


class Office:
    """The demo's back office: `sandbox/`, on a port that it keeps from start to start, with its own store of data.

    Tools are imported with their host and port, so a new port makes new versions of all of them.
    """

    def __init__(self, places: Places, project: Path, say: Callable[[str], None]) -> None:
        """Choose the port. Nothing is started yet."""
        self.places, self.project = places, project
        note = places.run / "sandbox.port"
        kept = int(note.read_text()) if note.exists() else 0
        self.port = kept or _some_port()
        while is_taken(self.port):
            self.port = _some_port()
        if kept and kept != self.port:
            say(f"back office: port {kept} is taken by another program, now {self.port}; its tools are imported again")
        note.write_text(str(self.port))

    @property
    def place(self) -> str:
        """Its host and port, as LAM_EGRESS_PRIVATE names it."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where its ledger can be read, and everything it does begins."""
        return f"http://{self.place}"

    @property
    def who(self) -> Account | None:
        """As root, an account of its own: it may neither read what executors know nor the servers' data."""
        return account("nobody", "bin", "daemon") if os.geteuid() == 0 else None

    def child(self) -> Child:
        """How to keep it running."""
        store = owned_directory(self.places.shared / "sandbox", self.who, 0o700) / "office.sqlite"
        log = self.places.logs / "sandbox.log"

        def start() -> int:
            python, keep = interpreter(self.project, self.who)
            try:
                program = Program(
                    "sandbox",
                    [*python.argv, "-m", "sandbox", "--port", str(self.port), "--store", str(store)],
                    {"LANG": "C.UTF-8", **python.env},
                    log,
                    account=self.who,
                    keep_open=tuple(keep),
                    directory=python.directory,
                )
                return launch(program).pid
            finally:
                for descriptor in keep:
                    os.close(descriptor)

        return Child("sandbox", start, lambda: answers(self.port), log)


def _some_port() -> int:
    return secrets.choice(KEPT_PORTS)


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as trying:
        trying.bind((HOST, 0))
        return int(trying.getsockname()[1])


def is_taken(port: int) -> str:
    """Why this loopback port cannot be listened on now; empty if it can."""
    with socket.socket() as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((HOST, port))
        except OSError as error:
            return str(error.strerror)
    return ""


def answers(port: int) -> bool:
    """Whether somebody listens on this loopback port."""
    with socket.socket() as asking:
        asking.settimeout(0.5)
        return asking.connect_ex((HOST, port)) == 0
