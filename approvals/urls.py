"""Where people decide and where they stop. Agents' tokens reach none of these."""

from django.urls import path

from approvals.views import action, assign, decide, edit, evidence, inbox, practice, probe, remarks, stop

urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("inbox/news/", inbox.news, name="inbox_news"),
    path("inbox/views/", inbox.views, name="inbox_views"),
    path("actions/<uuid:pk>/", action.action, name="action"),
    path("actions/<uuid:pk>/live/", action.live, name="action_live"),
    path("actions/<uuid:pk>/fold/", evidence.fold, name="action_fold"),
    path("actions/<uuid:pk>/trace/", evidence.trace, name="action_trace"),
    path("actions/<uuid:pk>/decide/", decide.decide, name="action_decide"),
    path("actions/<uuid:pk>/assign/", assign.assign, name="action_assign"),
    path("actions/<uuid:pk>/remarks/", remarks.remarks, name="action_remarks"),
    path("actions/<uuid:pk>/edit/", edit.edit, name="action_edit"),
    path("actions/<uuid:pk>/probe/", probe.probe, name="action_probe"),
    path("practice/", practice.practice, name="practice"),
    path("stop/", stop.stop, name="stop"),
    path("stop/<uuid:pk>/ease/", stop.ease, name="stop_ease"),
    path("stop/<uuid:pk>/release/", stop.release, name="stop_release"),
]
