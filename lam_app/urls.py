"""Every address of the product. Each app brings its own pages; the mind adds runs and what machines ask."""

from django.urls import include, path

from lam_app import (
    attachment_views,
    forgetting_views,
    health,
    hook_views,
    report_views,
    schedule_views,
    trace_views,
    trail_views,
    undo_views,
    views,
)
from lam_app.api import api

urlpatterns = [
    path("", include("approvals.urls")),
    path("runs/", views.runs, name="runs"),
    path("runs/new/", views.run_new, name="run_new"),
    path("runs/schedules/", schedule_views.schedules, name="schedules"),
    path("runs/schedules/<uuid:pk>/", schedule_views.schedule, name="schedule"),
    path("runs/hooks/", hook_views.hooks, name="hooks"),
    path("runs/hooks/<uuid:pk>/", hook_views.hook, name="hook"),
    path("hooks/<uuid:pk>/", hook_views.hook_in, name="hook_in"),
    path("attachments/<uuid:pk>/", attachment_views.attachment, name="attachment"),
    path("runs/<uuid:pk>/", views.run, name="run"),
    path("runs/<uuid:pk>/report/", report_views.report, name="run_report"),
    path("runs/<uuid:pk>/live/", views.run_live, name="run_live"),
    path("runs/<uuid:pk>/goal/", views.run_goal, name="run_goal"),
    path("runs/<uuid:pk>/plan/", views.run_plan, name="run_plan"),
    path("runs/<uuid:pk>/correct/", views.run_correct, name="run_correct"),
    path("runs/<uuid:pk>/cancel/", views.run_cancel, name="run_cancel"),
    path("runs/<uuid:pk>/undo/", undo_views.run_undo, name="run_undo"),
    path("runs/<uuid:pk>/input/", views.run_input, name="run_input"),
    path("audit/traces/", trace_views.traces, name="traces"),
    path("audit/traces/<uuid:pk>/", trace_views.trace, name="trace"),
    path("audit/traces/<uuid:pk>/saw/", trace_views.trace_saw, name="trace_saw"),
    path("audit/runs/<uuid:pk>/", trail_views.run_story, name="run_story"),
    path("audit/compare/", trail_views.compare, name="compare"),
    path("settings/erasure/", forgetting_views.erasure, name="erasure"),
    path("", include("tools.urls")),
    path("", include("lam_app.audit_urls")),
    path("", include("accounts.urls")),
    path("api/v1/", api.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path(".well-known/jwks.json", health.jwks, name="jwks"),
]

handler400 = "lam_app.views.bad_request"
handler500 = "traces.middleware.broke"
