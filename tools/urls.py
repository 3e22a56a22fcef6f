"""The catalogue and what the demo's tools really did."""

from django.urls import path

from tools.views import catalogue, outbox

urlpatterns = [
    path("tools/", catalogue.tools, name="tools"),
    path("tools/outbox/", outbox.outbox, name="outbox"),
    path("tools/<uuid:pk>/", catalogue.tool, name="tool"),
]
