"""The traces app: what is remembered: events and model calls."""

from django.apps import AppConfig


class TracesConfig(AppConfig):
    """what is remembered: events and model calls."""

    name = "traces"
    verbose_name = "Memory"
