"""The second wall between organizations: which one's rows the web account sees, told to PostgreSQL.

The first wall is in the queries, which name the organization. Row security is the second: on every governed table a
policy shows the web account the rows of ``lam.organization`` and lets it write no others, and where that is not set
there are none. It guards against a filter that was forgotten; who could run any SQL as the web account could also set
the variable, so the account's rights and the triggers bind it as before.

A request says once which organization it is in (``enter``), and that is kept in a context variable, which
follows it through threads and tasks and belongs to nobody else. A wrapper around every statement of every connection
compares that with what the session behind was last told, and tells it anew only where they differ: one statement a
request and connection, whichever of them the request comes to use, and whoever used it before. Setting the variable in
a middleware instead would reach the one connection that the middleware happens to hold; a request has several, and
gives them back while it waits.

A session is told outside of transactions, since a rollback takes a setting back with everything else. Where a
transaction has begun before, the session counts as told nothing and is told again before every statement until it
ends. Connections that go back to the pool are told that they belong to nobody (``forget``). The
setting is the session's, so between web and PostgreSQL nothing may share sessions by transactions.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from psycopg import Connection
from psycopg.pq import TransactionStatus

NOBODY: Final = ""
"""What stands for no organization: no governed row is visible then."""
_TELL: Final = "SELECT set_config('lam.organization', %s, false)"
_TOLD: Final = "lam_organization"
"""The mark on a psycopg connection that keeps what its session was last told; None where that may be taken back."""

_wanted: ContextVar[str] = ContextVar("organization", default=NOBODY)


@contextmanager
def within(organization: uuid.UUID | None) -> Iterator[None]:
    """What is asked inside is asked for this organization, or for none; behind it everything is as it was before."""
    before = _wanted.set(str(organization or NOBODY))
    try:
        yield
    finally:
        _wanted.reset(before)


def enter(organization: uuid.UUID | None) -> None:
    """From here on everything is asked for this organization, until the surrounding ``within`` ends."""
    _wanted.set(str(organization or NOBODY))


def watch(connection: Any, **_signal: Any) -> None:
    """Make a Django connection keep its session in step; called whenever one is opened."""
    if _in_step not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _in_step)


def forget(session: Connection[Any]) -> None:
    """Tell a session that it belongs to nobody; called as the connection goes back to the pool."""
    if getattr(session, _TOLD, NOBODY) != NOBODY and not session.closed:
        _tell(session, NOBODY)


def _in_step(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    connection, wanted = context["connection"], _wanted.get()
    if getattr(connection.connection, _TOLD, NOBODY) != wanted:
        with connection.wrap_database_errors:
            _tell(connection.connection, wanted)
    return execute(sql, params, many, context)


def _tell(session: Connection[Any], organization: str) -> None:
    """Set the session's organization, where possible in a transaction of its own, which nobody's rollback undoes."""
    setattr(session, _TOLD, None)  # until it is known to have been done
    if session.info.transaction_status != TransactionStatus.IDLE:
        session.execute(_TELL, [organization])
        return
    alone = session.autocommit
    if not alone:
        session.autocommit = True
    try:
        session.execute(_TELL, [organization])
    finally:
        if not alone and not session.closed:
            session.autocommit = False
    setattr(session, _TOLD, organization)
