"""The catalogue and what the demo's tools really did."""

from django.urls import path

from tools import views

urlpatterns = [
    path("tools/", views.tools, name="tools"),
    path("tools/outbox/", views.outbox, name="outbox"),
    path("tools/<uuid:pk>/", views.tool, name="tool"),
]
