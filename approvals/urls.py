"""Where people decide and where they stop. Agents' tokens reach none of these."""

from django.urls import path

from approvals import edit_views, probing_views, stop_views, views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("inbox/news/", views.news, name="inbox_news"),
    path("actions/<uuid:pk>/", views.action, name="action"),
    path("actions/<uuid:pk>/live/", views.live, name="action_live"),
    path("actions/<uuid:pk>/decide/", views.decide, name="action_decide"),
    path("actions/<uuid:pk>/edit/", edit_views.edit, name="action_edit"),
    path("actions/<uuid:pk>/probe/", probing_views.probe, name="action_probe"),
    path("stop/", stop_views.stop, name="stop"),
    path("stop/<uuid:pk>/ease/", stop_views.ease, name="stop_ease"),
    path("stop/<uuid:pk>/release/", stop_views.release, name="stop_release"),
]
