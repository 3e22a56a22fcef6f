"""Starting a program: a process group and account of its own, its log, secrets by standard input, an end with ours."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lam_app.supervisor.places import Account

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """A program and how to treat it. `stdin` is written to its standard input, which is then closed."""

    name: str
    argv: list[str]
    env: dict[str, str]
    log: Path
    account: Account | None = None
    stdin: str = ""
    keep_open: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    last_signal: signal.Signals = signal.SIGKILL
    death_signal: signal.Signals | None = None  # what it gets when we die; None: its stop signal
    ready: Callable[[], bool] = lambda: True
    directory: str = "/"


def die_with_parent(death_signal: int) -> None:
    """Ask the kernel for this signal when the current parent ends. Must be called after a change of user."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def launch(program: Program) -> subprocess.Popen[bytes]:
    """Start a program as the leader of a session of its own, writing into its log file."""
    us = os.getpid()
    death_signal = program.death_signal or program.stop_signal

    def in_the_child() -> None:
        die_with_parent(death_signal)
        if os.getppid() != us:  # we died before the kernel was asked
            os._exit(1)

    who = program.account
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, program.stdin.encode())
    finally:
        os.close(write_end)
    with open(program.log, "ab") as log, open(read_end, "rb") as stdin:
        return subprocess.Popen(
            program.argv,
            env=program.env,
            cwd=program.directory,
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=program.keep_open,
            preexec_fn=in_the_child,  # noqa: PLW1509 (we have one thread)
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=[] if who else None,
        )


def signal_group(pid: int, which: signal.Signals) -> None:
    """Signal a whole process group, or the process alone when it does not lead one (yet)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(pid, which)
        except ProcessLookupError:
            os.kill(pid, which)


def tail(log: Path, size: int = 1500) -> str:
    """The end of a log file, for a message to a person."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return "(nothing written)"
