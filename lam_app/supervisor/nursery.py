"""A warm parent: it imports the product once and forks the roles from it, so that a start takes seconds, not tens.

It knows no secret and opens no connection. A role's environment reaches the forked child alone, through a
descriptor that the nursery passes on unread. The child's parent is the supervisor, which adopts orphans: the process
between them ends at once. Started as another account, every role forked from here is that account.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lam_app.supervisor.places import Account, can_enter
from lam_app.supervisor.processes import Child, child_of
from lam_app.supervisor.programs import Program, die_with_parent, launch

_ORDER_BYTES = 65536


@dataclass
class Nursery:
    """The supervisor's end. One order at a time; the answer to each is the pid of the forked role."""

    name: str
    env: dict[str, str]  # for all roles, no secrets
    project: Path
    logs: Path
    account: Account | None = None
    _ours: socket.socket | None = None
    _ready: bool = False
    _keep: list[int] = field(default_factory=list)

    def child(self) -> Child:
        """How to keep the nursery itself running."""
        child = child_of(Program(self.name, [], {}, self.logs / f"{self.name}.log", ready=self.ready))
        child.start = self._start
        return child

    def ready(self) -> bool:
        """Whether it has imported everything."""
        if not self._ready and self._ours is not None:
            try:
                self._ready = self._ours.recv(16, socket.MSG_DONTWAIT) == b"warm"
            except (BlockingIOError, ConnectionError):
                return False
        return self._ready

    def _start(self) -> int:
        if self._ours:
            self._ours.close()
        self._ready = False
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python, keep = interpreter(self.project, self.account)
        try:
            program = Program(
                self.name,
                [*python.argv, "-m", "lam_app.supervisor.nursery", str(theirs.fileno())],
                {**self.env, **python.env, "LAM_ROLE": "nursery"},
                self.logs / f"{self.name}.log",
                account=self.account,
                keep_open=(theirs.fileno(), *keep),
                death_signal=signal.SIGKILL,
                directory=python.directory,
            )
            return launch(program).pid
        finally:
            theirs.close()
            for descriptor in keep:
                os.close(descriptor)

    def role(self, name: str, role: str, env: dict[str, str], **arguments: Any) -> Child:
        """A role as a child to be kept running. `env` is added to the nursery's own and seen by the role alone."""
        log = self.logs / f"{name}.log"
        news: dict[str, Any] = {"end": -1, "ready": False}

        def start() -> int:
            if not self.ready() or self._ours is None:
                raise BlockingIOError(f"{self.name} is not warm yet")
            if news["end"] >= 0:
                os.close(news["end"])
            secret_read, secret_write = os.pipe()
            news["end"], ready_write = os.pipe()
            news["ready"] = False
            os.set_blocking(news["end"], False)
            log_end = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(secret_write, json.dumps({**self.env, **env, "LAM_PROCESS": name}).encode())
                os.close(secret_write)
                order = json.dumps({"role": role, "arguments": {**arguments, "name": name}, "parent": os.getpid()})
                socket.send_fds(self._ours, [order.encode()], [secret_read, ready_write, log_end])
                self._ours.settimeout(10)
                return int(self._ours.recv(16))
            except ValueError:
                raise ConnectionError(f"{self.name} ended before it forked {name}") from None
            finally:
                if self._ours:
                    self._ours.settimeout(None)
                for end in (secret_read, ready_write, log_end):
                    os.close(end)

        def ready() -> bool:
            if not news["ready"]:
                try:
                    news["ready"] = os.read(news["end"], 1) == b"r"
                except BlockingIOError:
                    return False
            return bool(news["ready"])

        return Child(name, start, ready, log)


@dataclass(frozen=True)
class Python:
    """How an account runs the interpreter with the product and its packages."""

    argv: list[str]
    env: dict[str, str]
    directory: str


def interpreter(project: Path, who: Account | None) -> tuple[Python, list[int]]:
    """The interpreter for this account, and descriptors to hand to it.

    Where the account cannot enter the directories on the way (a home that is 0700), we open the interpreter, the
    packages and the product for it: a descriptor leads to them without passing through the closed directories.
    """
    prefix, packages = Path(sys.base_prefix), Path(sys.prefix)
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    if who is None or all(can_enter(place, who) for place in (base, prefix / "lib", packages, project)):
        return Python([sys.executable], {}, str(project)), []
    handles = [os.open(place, os.O_RDONLY | os.O_DIRECTORY) for place in (prefix, packages, project)]
    by_handle = [f"/proc/self/fd/{handle}" for handle in handles]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    env = {
        "PYTHONHOME": by_handle[0],
        "PYTHONPATH": f"{by_handle[1]}/lib/{version}/site-packages:{by_handle[2]}",
        "LD_LIBRARY_PATH": f"{by_handle[0]}/lib",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        inside = base.relative_to(prefix.resolve())
    except ValueError:
        inside = Path("bin") / version
    return Python([f"{by_handle[0]}/{inside}", "-S", "-P"], env, "/"), handles


# ------------------------------------------------------------------------------------- the nursery's own side


def tend(control: socket.socket) -> None:
    """Fork a role for each order until the supervisor closes its end."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _ORDER_BYTES, 3)
        if not message:
            return
        order = json.loads(message)
        between = os.fork()
        if between == 0:
            _hand_over(control, order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(between, 0)


def _hand_over(control: socket.socket, order: dict[str, Any], descriptors: list[int]) -> None:
    pid = os.fork()
    if pid:
        control.send(str(pid).encode())
        os._exit(0)
    status = 1
    try:
        control.close()
        _grow_up(order, *descriptors)
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # whatever it was, the child must not return into the nursery's loop
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _grow_up(order: dict[str, Any], secret: int, ready: int, log: int) -> None:
    os.setsid()
    end = time.monotonic() + 5
    while os.getppid() != order["parent"]:  # until the process between has ended
        if time.monotonic() > end:
            raise SystemExit(3)
        time.sleep(0.001)
    die_with_parent(signal.SIGKILL)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    with open(secret, encoding="utf-8") as file:
        environment = json.load(file)
    os.environ.clear()
    os.environ.update(environment)

    from lam_app.supervisor import roles

    roles.refresh_settings()
    roles.run(order["role"], order["arguments"], _once(ready))


def _once(ready: int) -> Callable[[], None]:
    def tell() -> None:
        os.write(ready, b"r")

    return tell


def main(descriptor: int) -> None:
    """Import, say that it is warm, obey."""
    from lam_app.supervisor import roles

    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    roles.load()
    gc.collect()
    gc.freeze()  # pages that no collection touches stay shared between the roles
    control.send(b"warm")
    tend(control)


if __name__ == "__main__":
    main(int(sys.argv[1]))
