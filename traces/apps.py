"""The traces app, the memory: events and model calls."""

from django.apps import AppConfig


class TracesConfig(AppConfig):
    """Django's entry for the app."""

    name = "traces"
    verbose_name = "Memory"
