"""The catalogue, how freely each tool acts, who may do what with it, agents, and what the demo's tools really did."""

from django.urls import path

from tools.views import agents, catalogue, dial, matrix, outbox, person, readiness, teams

urlpatterns = [
    path("tools/", catalogue.tools, name="tools"),
    path("tools/outbox/", outbox.outbox, name="outbox"),
    path("tools/changes/", dial.waiting, name="tool_changes"),
    path("tools/matrix/", matrix.matrix, name="matrix"),
    path("tools/<uuid:pk>/", catalogue.tool, name="tool"),
    path("tools/<uuid:pk>/dial/", dial.tool_dial, name="tool_dial"),
    path("tools/<uuid:pk>/readiness/", readiness.tool_readiness, name="tool_readiness"),
    path("settings/agents/", agents.agents, name="agents"),
    path("settings/people/<uuid:pk>/", person.person, name="person"),
    path("settings/teams/", teams.teams, name="teams"),
]
