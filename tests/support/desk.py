"""People and programs over HTTP, as they would be: a signed-in session that decides, and a bearer token that asks."""

from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tests.support.up import PASSWORD

SIGN_IN_AGAIN = 401


class Session:
    """A person's browser session, without the browser."""

    def __init__(self, base: str, user: str) -> None:
        self.base = base
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.opener.open(f"{base}/accounts/login/", timeout=20).close()
        self.post("/accounts/login/", login=user, password=PASSWORD)

    def post(self, path: str, **fields: str) -> int:
        """Send a form with its CSRF token; the answer's status."""
        token = next(str(cookie.value) for cookie in self.jar if cookie.name == "csrftoken")
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        asked = urllib.request.Request(f"{self.base}{path}", body, {"Referer": f"{self.base}{path}"})
        try:
            with self.opener.open(asked, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def decide(self, action: str, digest: str, decision: str, reason: str = "") -> int:
        """One decision on what was shown under this digest; the password again where high risk asks for a fresh one."""
        said = {"decision": decision, "digest": digest, "reason": reason}
        answer = self.post(f"/actions/{action}/decide/", **said)
        if answer != SIGN_IN_AGAIN:
            return answer
        self.post("/accounts/reauthenticate/", password=PASSWORD)
        return self.post(f"/actions/{action}/decide/", **said)


class Client:
    """A program with a bearer token."""

    def __init__(self, base: str, token: str) -> None:
        self.base, self.token = base, token

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON, read JSON. Raises urllib.error.HTTPError for anything but a 2xx."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.base}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)
