"""Sign-in and sign-out. allauth's other routes (mail, resets) are not mounted: what is not there cannot be misused."""

from allauth.account import views
from django.urls import path

urlpatterns = [
    path("accounts/login/", views.login, name="account_login"),
    path("accounts/logout/", views.logout, name="account_logout"),
    path("accounts/inactive/", views.account_inactive, name="account_inactive"),
    # The sign-in view needs the name; it answers "closed".
    path("accounts/signup/", views.signup, name="account_signup"),
]
