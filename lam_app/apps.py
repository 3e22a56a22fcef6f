"""The lam_app app, the mind: runs, the planner and the loop that advances them."""

from django.apps import AppConfig


class LamAppConfig(AppConfig):
    """Django's entry for the app."""

    name = "lam_app"
    verbose_name = "Mind"
