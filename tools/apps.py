"""The tools app, the hands: the catalogue, its connectors and the ledger of what was done."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    """Django's entry for the app."""

    name = "tools"
    verbose_name = "Hands"
