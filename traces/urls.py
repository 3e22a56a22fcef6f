"""The record, for those who read it."""

from django.urls import path

from traces import views

urlpatterns = [path("audit/", views.audit, name="audit")]
