"""The lam_app app: runs, the planner and the loop that advances them."""

from django.apps import AppConfig


class LamAppConfig(AppConfig):
    """runs, the planner and the loop that advances them."""

    name = "lam_app"
    verbose_name = "Mind"
