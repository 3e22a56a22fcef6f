"""Sign-in and sign-out, and the people of an organization.

allauth's other routes (mail, resets) are not mounted: what is not there cannot be misused.
"""

from allauth.account import views
from django.urls import path
from django.views.decorators.http import require_http_methods

from accounts.pages import page
from accounts.views import people, sessions, tokens

urlpatterns = [
    path("accounts/login/", views.login, name="account_login"),
    path("accounts/logout/", views.logout, name="account_logout"),
    path("accounts/inactive/", views.account_inactive, name="account_inactive"),
    path(
        "accounts/reauthenticate/",
        require_http_methods(["GET", "POST"])(page()(views.reauthenticate)),
        name="account_reauthenticate",
    ),
    path("settings/people/", people.people, name="people"),
    path("settings/sessions/", sessions.sessions, name="sessions"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/<uuid:pk>/revoke/", tokens.revoke, name="token_revoke"),
    # The sign-in view needs the name; it answers "closed".
    path("accounts/signup/", views.signup, name="account_signup"),
]
