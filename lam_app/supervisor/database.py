"""The database and its three accounts: owner (migrations), web, worker.

They must exist before the first migration, which grants them their rights. On a server that we do not run, an account
with CREATEROLE and CREATEDB makes them; without those rights nothing is guessed: the message is the SQL to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OLDEST = 150000  # PostgreSQL 15
ROLES: Mapping[str, str] = {
    "owner": "countersign_owner",
    "web": "countersign_web",
    "worker": "countersign_worker",
}
# What each account's sessions start with, whoever opens them.
SESSION: Mapping[str, Mapping[str, str]] = {
    "owner": {"TimeZone": "UTC", "lock_timeout": "30s"},
    "web": {
        "TimeZone": "UTC",
        "lock_timeout": "5s",
        "statement_timeout": "15s",
        "idle_in_transaction_session_timeout": "30s",
    },
    "worker": {
        "TimeZone": "UTC",
        "lock_timeout": "10s",
        "statement_timeout": "60s",
        "idle_in_transaction_session_timeout": "60s",
    },
}
_NO_RIGHT, _WRONG_PASSWORD = "42501", "28P01"


class NotPrepared(Exception):
    """The accounts or the database are missing and cannot be made from here; the message says what to run."""


def as_role(address: str, role: str, password: str) -> str:
    """The same server and database, as one of our accounts."""
    parts = urlsplit(address)
    server = parts.netloc.rpartition("@")[2]
    options = urlencode(
        [(key, value) for key, value in parse_qsl(parts.query) if key not in {"user", "password"}],
        quote_via=quote,
        safe="/",
    )
    return urlunsplit((parts.scheme, f"{ROLES[role]}:{quote(password, safe='')}@{server}", parts.path, options, ""))


def prepare(address: str, passwords: Mapping[str, str], *, may_make_databases: bool = False) -> dict[str, str]:
    """Make what is missing; the addresses of owner, web and worker.

    `address` belongs to an account that may make roles and databases, and names the database to use. Nothing is
    changed when the three accounts can already sign in. `may_make_databases` lets the owner account make
    further databases (tests). Raises NotPrepared, or psycopg.OperationalError when the server cannot be reached.
    """
    urls = {role: as_role(address, role, passwords[role]) for role in ROLES}
    if all(_answers(url) for url in urls.values()):
        return urls
    database = urlsplit(address).path.lstrip("/")
    with _anywhere(address, database) as admin:
        if admin.info.server_version < OLDEST:
            raise NotPrepared(f"PostgreSQL 15 or newer is required; this is {admin.info.server_version // 10000}")
        try:
            _make_roles(admin, passwords, may_make_databases)
            made = _make_database(admin, database)
        except psycopg.errors.InsufficientPrivilege:
            raise NotPrepared(by_hand(database, str(admin.info.user))) from None
    try:
        with psycopg.connect(address, autocommit=True) as inside:
            _grant(inside, database, made)
    except psycopg.errors.InsufficientPrivilege:
        raise NotPrepared(by_hand(database, str(urlsplit(address).username))) from None
    for role, url in urls.items():
        if not _answers(url):
            raise NotPrepared(
                f"the account {ROLES[role]} exists, but not with the password kept in LAM_HOME/keys/passwords.json. "
                f"If no other instance uses this server, run: ALTER ROLE {ROLES[role]} PASSWORD '…' with that password"
            )
    return urls


def by_hand(database: str, user: str) -> str:
    """The SQL that an administrator runs when `user` lacks the right to."""
    roles = "\n".join(f"  CREATE ROLE {name} LOGIN PASSWORD '…';" for name in ROLES.values())
    return (
        f"the account {user!r} may not make the database accounts of Countersign. Let it (ALTER ROLE {user} CREATEROLE "
        f"CREATEDB), or run as an administrator, with the passwords of LAM_HOME/keys/passwords.json:\n{roles}\n"
        f"  CREATE DATABASE {database} OWNER {ROLES['owner']};"
    )


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _anywhere(address: str, database: str) -> psycopg.Connection:
    """A connection to the server, also when the database does not exist yet."""
    try:
        return psycopg.connect(address, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        if f'database "{database}" does not exist' not in str(error):
            raise
    return psycopg.connect(address, dbname="postgres", autocommit=True, connect_timeout=5)


def _make_roles(admin: psycopg.Connection, passwords: Mapping[str, str], may_make_databases: bool) -> None:
    known = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles")}
    for role, name in ROLES.items():
        if name in known:
            continue
        # Hashed here, so that the server's log never sees the password itself.
        hashed = admin.pgconn.encrypt_password(passwords[role].encode(), name.encode(), b"scram-sha-256")
        rights = sql.SQL("CREATEDB" if may_make_databases and role == "owner" else "NOCREATEDB")
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS {} PASSWORD {}").format(
                sql.Identifier(name), rights, hashed.decode()
            )
        )
        for setting, value in SESSION[role].items():
            admin.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(sql.Identifier(name), sql.Identifier(setting), value)
            )


def _make_database(admin: psycopg.Connection, database: str) -> bool:
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        return False
    owner = sql.Identifier(ROLES["owner"])
    superuser = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if not (superuser and superuser[0]):
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))  # one may give away only to oneself's roles
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
            sql.Identifier(database), owner
        )
    )
    return True


def _grant(inside: psycopg.Connection, database: str, made: bool) -> None:
    owner, name = sql.Identifier(ROLES["owner"]), sql.Identifier(database)
    if made:
        inside.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    else:
        inside.execute(sql.SQL("GRANT CREATE, TEMPORARY ON DATABASE {} TO {}").format(name, owner))
        inside.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(owner))
    everyone = sql.SQL(", ").join(sql.Identifier(role) for role in ROLES.values())
    inside.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, everyone))
