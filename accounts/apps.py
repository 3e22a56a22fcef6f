"""The accounts app: people, organizations, agents and what each may be."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """people, organizations, agents and what each may be."""

    name = "accounts"
    verbose_name = "People"
