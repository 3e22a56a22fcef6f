"""`manage.py up`, told from beginning to end."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lam_app import environment as env
from lam_app.supervisor import database, keys, pulse
from lam_app.supervisor.embedded import Postgres, Redis, Unavailable, passwords, write_secret
from lam_app.supervisor.neighbours import HOST, Office, free_port, is_taken, stand_in
from lam_app.supervisor.nursery import Nursery
from lam_app.supervisor.places import Places, arrange
from lam_app.supervisor.processes import Child, NotReady, Stopped, Supervisor, child_of, end_leftovers
from lam_app.supervisor.pulse import Pulse

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
MIGRATE_SECONDS = 600
PLANNER_THREADS = 4
DEMO_BRINGS = ("people", "sandbox", "day")  # each with what stands before it
DEMO_USERS = ("operator", "reviewer", "reviewer2", "administrator", "auditor", "developer", "outsider")

# What roles may inherit from the environment of `up`. Secrets are given to single roles below.
_INHERITED = frozenset({
    "PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SSL_CERT_FILE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "OTEL_EXPORTER_OTLP_ENDPOINT",
})  # fmt: skip
_NOT_INHERITED = frozenset({
    "LAM_PERMIT_KEY", "LAM_SEAL_KEY", "LAM_CREDENTIAL_KEY", "LAM_DEMO_PASSWORD", "LAM_ROLE", "LAM_MAIL_URL",
    "LAM_CHECKPOINT_SECRET",
})  # fmt: skip


class Refused(Exception):
    """Starting like this would be wrong; the message says why and what to change."""


def arguments(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The options of `up`, shared with the Django command of the same name."""
    parser.add_argument("--port", type=int, default=8000, help="where the pages are (loopback only)")
    parser.add_argument("--demo", action="store_true", help="demo users and data, weak settings allowed")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="how many executors")
    return parser


def run(argv: Sequence[str]) -> int:
    """Start everything and stay until a signal; the exit status."""
    parser = arguments(argparse.ArgumentParser("manage.py up", description="Start and supervise everything."))
    options = parser.parse_args(argv)
    try:
        up(options.port, options.demo, options.workers)
    except Stopped:
        pass
    except (
        Refused,
        env.WrongSetting,
        Unavailable,
        NotReady,
        database.NotPrepared,
        PermissionError,
        LookupError,
    ) as error:
        print(f"up: {error}", file=sys.stderr)
        return 1
    return 0


def say(line: str) -> None:
    """A line of progress, at once."""
    print(line, flush=True)


def up(port: int, demo: bool, workers: int) -> None:
    """Servers, then the database, then the roles, then wait. Raises what `run` turns into a message."""
    began = time.monotonic()
    refuse_unsafe(port, demo, workers)
    home = env.path("LAM_HOME", PROJECT / ".lam")
    home.mkdir(parents=True, exist_ok=True)
    with only_one(home):
        places = arrange(home)
        if places.moved:
            say(f"data of the servers lies in {places.shared}: {home} cannot be entered by the account that runs them")
        if ended := end_leftovers(places.run / "processes.json"):
            say(f"ended {ended} processes that an earlier start left behind")
        with Supervisor(places.run / "processes.json", say) as supervisor:
            try:
                instance = Instance(supervisor, places, port, demo, workers)
                instance.start()
                if demo:
                    say(f"sign in as {', '.join(DEMO_USERS)} with the password {instance.demo_password}")
                say(f"ready http://{HOST}:{port}  (after {time.monotonic() - began:.1f} s)")
                instance.first_day()
                instance.pulse().keep()
            finally:
                say("stopping")
                (places.run / "services.json").unlink(missing_ok=True)
    say("stopped")


def refuse_unsafe(port: int, demo: bool, workers: int) -> None:
    """Raises Refused or WrongSetting for what must not run, before anything is touched."""
    if not 1 <= port <= 65535:
        raise Refused(f"--port {port} is not a port")
    if not 1 <= workers <= 64:
        raise Refused("--workers must lie between 1 and 64")
    os.environ["LAM_ROLE"] = "owner"
    import lam_app.settings  # noqa: F401 (reads and checks every setting)

    secret = env.text("SECRET_KEY")
    if not demo:
        if env.flag("DEBUG"):
            raise Refused("DEBUG is on: tracebacks would show secrets. Unset it, or use --demo")
        if secret and (len(secret) < 32 or "insecure" in secret):
            raise Refused("SECRET_KEY is short or a default. Use 50 random characters, or unset it to have one made")
        if "*" in env.names("ALLOWED_HOSTS"):
            raise Refused("ALLOWED_HOSTS allows every host. Name yours, or use --demo")
    if env.text("LAM_DEMO", "day") not in DEMO_BRINGS:
        raise env.WrongSetting("LAM_DEMO", f"must be one of {', '.join(DEMO_BRINGS)}")
    if why := is_taken(port):
        raise Refused(f"port {port} on {HOST} cannot be used ({why}); choose another with --port")


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold this home for ourselves. Raises Refused when another `up` holds it."""
    with open(home / "up.lock", "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Refused(
                f"another `up` (pid {lock.read().strip() or '?'}) runs on {home}; give this one its own LAM_HOME"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


class Instance:
    """Everything that one `up` runs."""

    def __init__(self, supervisor: Supervisor, places: Places, port: int, demo: bool, workers: int) -> None:
        self.supervisor, self.places, self.port, self.demo, self.workers = supervisor, places, port, demo, workers
        self.passwords = passwords(places.keys)
        self.demo_password = env.text("LAM_DEMO_PASSWORD") or self.passwords["demo"]
        self.urls: dict[str, str] = {}
        self.day: Child | None = None
        self.brings = DEMO_BRINGS[: DEMO_BRINGS.index(env.text("LAM_DEMO", "day")) + 1] if demo else ()
        self.office = Office(places, PROJECT, say) if "sandbox" in self.brings else None

    def start(self) -> None:
        """From nothing to all roles ready. Raises NotReady with the log of what failed."""
        nurseries = self.nurseries()
        for nursery in nurseries.values():
            self.supervisor.start(nursery.child())  # importing takes longest, so it begins first
        private, public = self.permit_keys()
        self.neighbours()
        self.servers()
        warm = [nursery.name for nursery in nurseries.values()]
        self.supervisor.wait_ready([*warm, "sandbox"] if self.office else warm, START_SECONDS)
        say("database: migrations, first rows")
        trusted, executing = nurseries["trusted"], nurseries["executing"]
        owner = {"LAM_ROLE": "owner", "DATABASE_URL": self.urls["owner"], "REDIS_URL": self.urls["redis"]}
        demo = {"LAM_DEMO_PASSWORD": self.demo_password} if self.demo else {}
        first = {"seeded": str(self.places.run / "seeded"), "office": self.office.url if self.office else ""}
        first["quarantine"] = str(self.places.run / "quarantine")
        self.supervisor.run_once(
            trusted.role("prepare", "prepare", {**owner, **demo}, demo=self.demo, **first), MIGRATE_SECONDS
        )
        if (told := self.places.run / "quarantine").exists():
            say(f"QUARANTINE: everything is stopped. {told.read_text()} See `manage.py kill list`")
        say(f"roles: web, gatekeeper, planner, {self.workers} executors, sweeper, sealer")
        web = {"SECRET_KEY": self.secret_key(), "LAM_ROLE": "web", "DATABASE_URL": self.urls["web"]}
        worker = {"LAM_ROLE": "worker", "DATABASE_URL": self.urls["worker"], "REDIS_URL": self.urls["redis"]}
        model = {name: env.text(name) for name in ("OPENAI_API_KEY", "LAM_MODEL") if env.text(name)}
        model["OPENAI_BASE_URL"] = self.urls["openai"]
        mail = {"LAM_MAIL_URL": env.text("LAM_MAIL_URL")} if env.text("LAM_MAIL_URL") else {}
        for_executors = {**worker, "LAM_PERMIT_PUBLIC_KEY": str(public)}
        roles = [
            trusted.role("web", "web", {**web, "REDIS_URL": self.urls["redis"]}, host=HOST, port=self.port),
            trusted.role("gatekeeper", "gatekeeper", {**worker, "LAM_PERMIT_KEY": str(private)}),
            trusted.role("planner", "planner", {**worker, **model, **mail}, threads=PLANNER_THREADS),
            trusted.role("sweeper", "sweeper", worker),
            trusted.role("sealer", "sealer", {**worker, **self.sealing()}),
            *(executing.role(f"executor{n}", "executor", for_executors) for n in range(1, self.workers + 1)),
        ]
        for role in roles:
            self.supervisor.start(role)
        self.supervisor.wait_ready([role.name for role in roles], START_SECONDS)
        write_secret(self.places.run / "services.json", json.dumps(self.urls))
        self.day = self.a_day(trusted)

    def a_day(self, trusted: Nursery) -> Child | None:
        """The demo's first day, once in the life of a home; None where it has been, or would be another model's."""
        mark = self.places.run / "day"
        if self.office is None or "day" not in self.brings or mark.exists():
            return None
        if env.text("OPENAI_BASE_URL"):
            say("day: none is played, because it was written for the stand-in and a model is configured")
            return None
        # Goals are written by the web account. It signs nothing, so it is not given the key for sessions.
        web = {"LAM_ROLE": "web", "DATABASE_URL": self.urls["web"], "REDIS_URL": self.urls["redis"], "SECRET_KEY": "-"}
        web["LAM_DEMO_PASSWORD"] = self.demo_password
        where = {"office": self.office.url, "pages": f"{HOST}:{self.port}", "mark": str(mark)}
        child = trusted.role("day", "day", web, **where)

        def after(status: int) -> None:
            say(f"day: {mark.read_text()}" if status == 0 else f"day: not finished, see {child.log}; tried again later")

        child.once, child.after = True, after
        return child

    def first_day(self) -> None:
        """Begin the demo's first day, if there is to be one; it goes on while people already look."""
        if self.day:
            self.supervisor.start(self.day)

    def pulse(self) -> Pulse:
        """Who watches over the web, the sealer and the sweeper, which watches over the rest."""
        from lam_app.settings import LAM_SEAL_SECONDS as SEAL
        from lam_app.settings import LAM_SILENT_SECONDS as SILENT
        from lam_app.settings import LAM_SWEEP_SECONDS as SWEEP

        sweeper = pulse.sweeper(self.places.run / "sweep", SILENT + SWEEP)
        sealer = pulse.sealer(self.places.run / "seal", SILENT + SEAL)
        return Pulse(self.supervisor, [pulse.web(HOST, self.port, SILENT), sweeper, sealer])

    def nurseries(self) -> dict[str, Nursery]:
        """One for the roles that are trusted with keys; as root, one more for executors, as another user."""
        names = {name for name in os.environ if name in _INHERITED or name.startswith("LAM_")} - _NOT_INHERITED
        inherited = {name: os.environ[name] for name in names}
        inherited |= {"LAM_HOME": str(self.places.home), "DJANGO_SETTINGS_MODULE": "lam_app.settings"}
        inherited.setdefault("LAM_PUBLIC_URL", f"http://{HOST}:{self.port}")
        if self.office:
            inherited["LAM_EGRESS_PRIVATE"] = ",".join([*env.names("LAM_EGRESS_PRIVATE"), self.office.place])
        inherited["CELERY_SKIP_CHECKS"] = "1"  # each worker would run the checks of all apps again: seconds of CPU
        logs, who = self.places.logs, self.places.executors
        trusted = Nursery("nursery", inherited, PROJECT, logs)
        if who is None:
            say("not started as root: executors cannot be another user, keys are separated by process only")
            return {"trusted": trusted, "executing": trusted}
        say(f"executors run as {who.name}")
        return {"trusted": trusted, "executing": Nursery("nursery-executors", inherited, PROJECT, logs, who)}

    def permit_keys(self) -> tuple[Path, Path]:
        """The gatekeeper's private key, and the public one where executors can read it."""
        private = env.path("LAM_PERMIT_KEY", self.places.keys / "permit.pem")
        public = self.places.home / "public" / "permit.pub.pem"
        keys.permit_keys(private, public)
        if self.places.moved:
            copy = self.places.shared / "permit.pub.pem"
            keys.publish(public, copy)
            public = copy
        return private, public

    def seal_key(self) -> Path:
        """The sealer's private key; its public half is where everybody can read it."""
        private = env.path("LAM_SEAL_KEY", self.places.keys / "seal.pem")
        keys.seal_keys(private, self.places.home / "public" / "seal.pub.pem")
        return private

    def sealing(self) -> dict[str, str]:
        """What the sealer alone is told: its key, and what it signs messages to the address outside with."""
        secret = env.text("LAM_CHECKPOINT_SECRET")
        return {"LAM_SEAL_KEY": str(self.seal_key()), **({"LAM_CHECKPOINT_SECRET": secret} if secret else {})}

    def servers(self) -> None:
        """PostgreSQL and Redis, ours or the configured ones, and the accounts in the database."""
        waiting = []
        address = env.text("DATABASE_OWNER_URL") or env.text("DATABASE_URL")
        redis = env.text("REDIS_URL")
        if not address:
            postgres = Postgres(self.places, self.passwords["admin"])
            say("PostgreSQL: embedded")
            if postgres.prepare():
                say(f"PostgreSQL: made a new cluster in {postgres.data}")
            self.supervisor.start(child_of(postgres.program()))
            waiting.append("postgres")
            address = postgres.url()
        if not redis:
            ours = Redis(self.places, self.passwords["redis"])
            say("Redis: embedded")
            ours.prepare()
            self.supervisor.start(child_of(ours.program()))
            waiting.append("redis")
            redis = ours.url()
        self.supervisor.wait_ready(waiting, START_SECONDS)
        if not waiting or "postgres" not in waiting:
            say("PostgreSQL: the configured server")
        self.urls |= {**reachable(lambda: database.prepare(address, self.passwords)), "redis": redis}

    def neighbours(self) -> None:
        """The model that ships with the product, when no other one is configured, and the demo's back office."""
        self.urls["openai"] = env.text("OPENAI_BASE_URL")
        if not self.urls["openai"]:
            port = free_port()
            self.urls["openai"] = f"http://{HOST}:{port}/v1"
            say("model: the built-in stand-in (set OPENAI_BASE_URL and LAM_MODEL for a real one)")
            self.supervisor.start(stand_in(PROJECT, self.places.logs, port))
        if self.office:
            say(f"back office: {self.office.url} shows what really happened there")
            self.supervisor.start(self.office.child())

    def secret_key(self) -> str:
        """The configured SECRET_KEY, or this instance's own."""
        return env.text("SECRET_KEY") or keys.signing_secret(self.places.keys)


def reachable(doing: Any) -> dict[str, str]:
    """The result of `doing`; a server that cannot be reached becomes Refused, without its password."""
    import psycopg

    try:
        return dict(doing())
    except psycopg.OperationalError as error:
        raise Refused(f"DATABASE_URL: the server does not let us in: {error}") from None
