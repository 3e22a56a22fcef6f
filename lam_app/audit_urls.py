"""The record, for those who read it: the log, its verification and its exports, and evidence of single matters."""

from django.urls import path

from lam_app import audit_views, evidence_views, log_views

urlpatterns = [
    path("audit/", log_views.audit, name="audit"),
    path("audit/subjects/<uuid:pk>/", log_views.subject, name="audit_subject"),
    path("audit/verify/", audit_views.verify, name="audit_verify"),
    path("audit/verify/live/", audit_views.verify_live, name="audit_verify_live"),
    path("audit/export/", audit_views.exports, name="audit_export"),
    path("audit/export/live/", audit_views.export_live, name="audit_export_live"),
    path("audit/files/<uuid:pk>/", audit_views.file, name="audit_file"),
    path("actions/<uuid:pk>/evidence/", evidence_views.evidence, {"kind": "action"}, name="action_evidence"),
    path("actions/<uuid:pk>/evidence/live/", evidence_views.live, {"kind": "action"}, name="action_evidence_live"),
    path("runs/<uuid:pk>/evidence/", evidence_views.evidence, {"kind": "run"}, name="run_evidence"),
    path("runs/<uuid:pk>/evidence/live/", evidence_views.live, {"kind": "run"}, name="run_evidence_live"),
]
