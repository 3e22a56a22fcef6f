"""The accounts app, the people: users, organizations, agents and what each may be."""

from importlib import import_module

from django.apps import AppConfig
from django.db import connections
from django.db.backends.signals import connection_created

from accounts.rows import watch


class AccountsConfig(AppConfig):
    """Django's entry for the app."""

    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Keep every connection in step with the organization that is asked for, and listen for who signs in again."""
        connection_created.connect(watch, dispatch_uid="rows")
        for connection in connections.all(initialized_only=True):
            watch(connection)
        import_module("accounts.sessions")
