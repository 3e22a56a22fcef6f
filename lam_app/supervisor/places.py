"""Who runs what, and where they can reach it.

PostgreSQL refuses to run as root, and executors must not be able to read the private key. Started as root, servers
and executors therefore run as other accounts. Those may be unable to enter the directory where the product or its
home lies (``/root`` is usually 0700), so what they need is put where they can reach it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_BYTES = 103  # the smaller of the limits of Linux (107) and macOS (103)
SHARED_ROOT = Path("/var/lib/countersign")


@dataclass(frozen=True)
class Account:
    """A user of the operating system that a child process becomes."""

    name: str
    uid: int
    gid: int


def account(*names: str) -> Account:
    """The first of these accounts that exists. Raises LookupError when there is none."""
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise LookupError(f"none of the accounts {', '.join(names)} exists on this machine")


def can_enter(path: Path, who: Account) -> bool:
    """Whether this account may walk from the root directory to the path (and into it, if it is a directory)."""
    steps = [*reversed(path.parents), path] if path.is_dir() else list(reversed(path.parents))
    for step in steps:
        try:
            found = step.stat()
        except FileNotFoundError:
            return True
        if who.uid == found.st_uid:
            allowed = found.st_mode & stat.S_IXUSR
        elif who.gid == found.st_gid:
            allowed = found.st_mode & stat.S_IXGRP
        else:
            allowed = found.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


@dataclass(frozen=True)
class Places:
    """The directories of one instance."""

    home: Path  # LAM_HOME
    shared: Path  # what other accounts must reach: sockets, data of the servers, the public key
    servers: Account | None  # who runs PostgreSQL and Redis; None: whoever runs us
    executors: Account | None

    @property
    def keys(self) -> Path:
        """Secrets; nobody but the account that runs `up` may enter."""
        return self.home / "keys"

    @property
    def run(self) -> Path:
        """Lock, process list and the addresses for commands started beside us."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """What the servers and roles write."""
        return self.home / "logs"

    @property
    def moved(self) -> bool:
        """Whether the servers' data lies outside LAM_HOME."""
        return self.home not in self.shared.parents

    def sockets(self, longest_name: str) -> Path:
        """A directory whose socket paths fit into the operating system's limit."""
        inside = self.shared / "sockets"
        if len(os.fsencode(inside / longest_name)) <= SOCKET_PATH_BYTES:
            return owned_directory(inside, self.servers, 0o711 if self.servers else 0o700)
        short = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 (checked below)
        return owned_directory(
            short / f"countersign-{os.geteuid()}-{_mark(self.home)}", self.servers, 0o711 if self.servers else 0o700
        )


def arrange(home: Path) -> Places:
    """Make the instance's directories. Raises PermissionError when one of them belongs to somebody else."""
    home.mkdir(parents=True, exist_ok=True)
    servers = executors = None
    shared = home / "services"
    if os.geteuid() == 0:
        servers, executors = account("postgres", "nobody"), account("daemon", "nobody", "bin")
        home.chmod(0o711)
        if not (can_enter(home, servers) and can_enter(home, executors)):
            shared = _reachable_root(servers) / _instance(home)
    places = Places(home, shared, servers, executors)
    for secret in (places.keys, places.run, places.logs):
        owned_directory(secret, None, 0o700)
    owned_directory(home / "public", None, 0o755)
    owned_directory(shared, None, 0o711)
    return places


def owned_directory(path: Path, owner: Account | None, mode: int) -> Path:
    """The directory, made if need be, with exactly this owner and mode; a link or a stranger's directory is refused."""
    uid = owner.uid if owner else os.geteuid()
    try:
        path.mkdir(mode=0o700, parents=False)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {uid, os.geteuid()}:
            raise PermissionError(f"{path} exists and is not ours") from None
    if owner:
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    path.chmod(mode)
    return path


def within_reach(packages: Path, parts: tuple[str, ...], who: Account | None, label: str) -> Path:
    """The directory of installed packages, or a copy of these parts of it where this account can reach them.

    Parts keep their places relative to each other, because programs find their libraries that way. `label` names
    the copy and tells its version: it is made once and shared by every instance.
    """
    present = [part for part in parts if (packages / part).exists()]
    if who is None or all(can_enter(packages / part, who) for part in present):
        return packages
    copy = _reachable_root(who) / label
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(dir=copy.parent))
        for part in present:
            shutil.copytree(
                packages / part,
                unfinished / "tree" / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "include"),
            )
        for made in [unfinished / "tree", *(unfinished / "tree").rglob("*")]:
            if not made.is_symlink():  # whatever the umask was
                made.chmod(0o755 if made.is_dir() or made.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            (unfinished / "tree").rename(copy)
        except OSError:
            if not copy.exists():  # otherwise another instance was first, with the same content
                raise
        shutil.rmtree(unfinished, ignore_errors=True)
    return copy


def _reachable_root(who: Account) -> Path:
    for base in (SHARED_ROOT, Path(tempfile.gettempdir()) / "countersign-shared"):
        try:
            base.parent.mkdir(parents=True, exist_ok=True)
            owned_directory(base, None, 0o755)
        except OSError:
            continue
        if can_enter(base, who):
            return base
    raise PermissionError(f"no directory found that the account {who.name!r} can enter; set LAM_HOME to such a one")


def _instance(home: Path) -> str:
    """A name for this home that a later home at the same path does not inherit: its data would not be its own."""
    note = home / "instance"
    try:
        return note.read_text().strip()
    except FileNotFoundError:
        note.write_text(f"{_mark(home)}-{secrets.token_hex(4)}")
        return note.read_text()


def _mark(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]
