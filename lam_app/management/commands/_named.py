"""Who and what an option of a command names. What nobody has by that name is refused with the option's own."""

from django.core.management.base import CommandError
from django.db import connection

from accounts.models import Organization, User


def organization_named(slug: str) -> Organization:
    """The organization that ``--organization`` names. Raises CommandError."""
    found = Organization.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"--organization: there is none called {slug}" if slug else "--organization: say which")
    return found


def person_named(name: str, option: str = "--as") -> User:
    """The active person whom an option names; the password's hash is not read. Raises CommandError."""
    found = User.objects.defer("password").filter(username=name, is_active=True).first()
    if found is None:
        raise CommandError(f"{option}: there is no active person called {name}")
    return found


def as_owner() -> None:
    """Refuse an account that is shown some rows only: it would say that there are none. Raises CommandError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_security_active('traces_retention')")
        (limited,) = cursor.fetchone()
    if limited:
        raise CommandError("This runs as the owner, who sees every organization's rows: set LAM_ROLE=owner.")
