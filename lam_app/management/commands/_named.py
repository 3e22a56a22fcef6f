"""Who and what an option of a command names. What nobody has by that name is refused with the option's own."""

from django.core.management.base import CommandError

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
