"""The accounts app, the people: users, organizations, agents and what each may be."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Django's entry for the app."""

    name = "accounts"
    verbose_name = "People"
