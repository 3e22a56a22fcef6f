"""The tools app: the catalogue, its connectors and the ledger of what was done."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    """the catalogue, its connectors and the ledger of what was done."""

    name = "tools"
    verbose_name = "Hands"
