"""Measure the live feed: how soon an event is on every open page, what pages cost whoever decides, and whose they show.

The real product with its processes (``manage.py up``), one web process, ``PAGES`` pages open by people of different
rights, each a connection of its own that a process apart reads. An event is a call that is scheduled; its time is from
the return of the commit that wrote it to the arrival of the bytes at each page. Decisions are the form, posted by a
session, before pages are open and while they are, an event a second among them. Then two organizations get ``EVENTS``
events each while half of the pages belong to either. The last line is one JSON object, times in milliseconds.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import os
import secrets
import statistics
import sys
import time
import urllib.parse
import uuid
from collections import Counter
from typing import Any

import psycopg

from tests.support.up import Up

PAGES = int(os.environ.get("PAGES", "200"))
N = int(os.environ.get("N", "60"))
"""Events whose way is timed, and decisions of each kind."""
EVENTS = int(os.environ.get("EVENTS", "1000"))
READERS = ("reviewer", "reviewer2", "administrator", "auditor", "operator")
TOOLS = "tests.support.undo_tools"
"""With a tool that may act by itself, once its dial is set."""
PATIENCE = 120.0


def main() -> None:
    """Start the product, measure, print."""
    pages = {"LAM_FEED_PAGES_PERSON": "1000", "LAM_FEED_PAGES_ORGANIZATION": "1000", "LAM_FEED_PAGES": "1000"}
    with Up(LAM_DEMO="people", LAM_TOOLS=TOOLS, **pages) as up:
        services = json.loads((up.home / "run" / "services.json").read_text())
        with psycopg.connect(services["owner"]) as owner:
            owner.execute("UPDATE tools_tool SET maturity = 'on_the_loop', veto_seconds = 3600 WHERE name = 'put_odd'")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "lam_app.settings",
            "LAM_HOME": str(up.home),
            "LAM_ROLE": "web",
            "LAM_TOOLS": TOOLS,
            "DATABASE_URL": services["web"],
            "REDIS_URL": services["redis"],
        }
        import django

        django.setup()
        print(json.dumps(measure(up), indent=None))


def measure(up: Up) -> dict[str, Any]:
    """Everything, in one sitting."""
    cookies = {name: cookie(name) for name in (*READERS, "outsider")}
    web = up.child("web")
    approving(up, 10)  # warm
    alone = approving(up, N)
    say(f"alone {spread(alone)}")
    with Pages(up.port, [cookies[READERS[n % len(READERS)]] for n in range(PAGES)]) as pages:
        opened = {"rss_mb": round(web.memory_info().rss / 1e6), "threads": web.num_threads()}
        before = sum(web.cpu_times()[:2])
        delays = told(pages)
        say(f"to a page {spread(delays)}")
        spent = (sum(web.cpu_times()[:2]) - before) * 1000 / N
        beside = approving(up, N, between=lambda n: None if n % 5 else scheduled("demo"))
    say(f"beside {spread(beside)}")
    half = [cookies["reviewer" if n % 2 else "outsider"] for n in range(PAGES)]
    with Pages(up.port, half) as pages:
        shown = strangers(pages)
    return {
        "pages": PAGES,
        "events": N,
        "to_a_page": spread(delays),
        "to_all_pages": spread(list(last(delays, PAGES))),
        "web_cpu_ms_per_event": round(spent, 1),
        "web_with_pages": opened,
        "approve_alone": spread(alone),
        "approve_beside_pages": spread(beside),
        "approve_p95_ratio": round(percentile(beside, 95) / percentile(alone, 95), 2),
        **shown,
    }


# ---------------------------------------------------------------- pages


class Pages:
    """Open pages, read by a process of their own."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self.number = len(cookies)
        self.mine, theirs = multiprocessing.get_context("spawn").Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=read, args=(port, cookies, theirs))

    def __enter__(self) -> Pages:
        self.process.start()
        assert self.mine.poll(PATIENCE), "the pages did not open"
        assert self.mine.recv() == "open"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.join()

    def arrivals(self) -> list[tuple[int, str, float]]:
        """Which page was told of which action at which moment, since this was asked last."""
        self.mine.send("arrivals")
        assert self.mine.poll(PATIENCE)
        found: list[tuple[int, str, float]] = self.mine.recv()
        return found


def read(port: int, cookies: list[str], parent: Any) -> None:
    """Be the pages: asynchronously, one connection each."""
    asyncio.run(_read(port, cookies, parent))


def place(port: int, cookie: str) -> str:
    """Where a page is that was opened just now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/feed/news/?wants=inbox", headers={"Cookie": f"sessionid={cookie}"})
    said: str = json.loads(connection.getresponse().read())["place"]
    connection.close()
    return said


async def _read(port: int, cookies: list[str], parent: Any) -> None:
    places = {cookie: place(port, cookie) for cookie in set(cookies)}
    arrived: list[tuple[int, str, float]] = []
    ready = asyncio.Semaphore(0)

    async def page(number: int, cookie: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        head = f"GET /feed/stream/?after={places[cookie]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        writer.write(f"{head}Sec-Fetch-Site: same-origin\r\nCookie: sessionid={cookie}\r\n\r\n".encode())
        first = True
        while line := await reader.readline():
            at = time.monotonic()
            if not line.startswith(b"data: {"):
                continue
            rows = json.loads(line[6:])["rows"]
            if not first:
                arrived.extend((number, row["id"], at) for row in rows)
            else:
                first = False
                ready.release()

    tasks = []
    for number, one in enumerate(cookies):
        tasks.append(asyncio.create_task(page(number, one)))
        if number % 10 == 9:
            for _ in range(10):
                await ready.acquire()
    for _ in range(len(cookies) % 10):
        await ready.acquire()
    parent.send("open")
    loop = asyncio.get_running_loop()
    while True:
        await loop.run_in_executor(None, parent.recv)
        taken, arrived[:] = list(arrived), []
        parent.send(taken)


def told(pages: Pages) -> list[float]:
    """Milliseconds from each of N commits to each page."""
    time.sleep(3)
    written: dict[str, float] = {}
    for _ in range(N):
        action = scheduled("demo")
        written[action] = time.monotonic()
        time.sleep(0.35)
    found = _all(pages, set(written), pages.number * N)
    first = {(page, action): at for page, action, at in reversed(found) if action in written}
    return [1000 * (at - written[action]) for (_, action), at in sorted(first.items(), key=lambda one: one[0][1])]


def last(delays: list[float], pages: int) -> Any:
    """Of each event, when it was on its last page."""
    for n in range(0, len(delays), pages):
        yield max(delays[n : n + pages])


def strangers(pages: Pages) -> dict[str, Any]:
    """Both organizations' events, and who was told of which."""
    whose = {scheduled(where): where for _ in range(EVENTS) for where in ("demo", "elsewhere")}
    found = _all(pages, set(whose), pages.number * EVENTS)
    seen = Counter(("demo" if page % 2 else "elsewhere") == whose.get(action) for page, action, _ in set(found))
    distinct = {(page, action) for page, action, _ in found}
    return {"own_events": len(distinct), "expected": pages.number * EVENTS, "foreign_events": seen[False]}


def _all(pages: Pages, actions: set[str], expected: int) -> list[tuple[int, str, float]]:
    found: list[tuple[int, str, float]] = []
    began = time.monotonic()
    while len({(page, action) for page, action, _ in found if action in actions}) < expected:
        assert time.monotonic() - began < PATIENCE, f"{len(found)} of {expected} arrived"
        time.sleep(0.5)
        found += pages.arrivals()
    return found


# ---------------------------------------------------------------- what happens


def propose_as(where: str, tool: str, arguments: dict[str, str]) -> Any:
    """A call of an organization's built-in agent."""
    from accounts.models import Agent, Membership
    from accounts.rows import within
    from approvals.services.propose import Proposal, propose
    from traces.ids import uuid7

    agent = Agent.objects.get(organization__slug=where, builtin=True)
    name = "operator" if where == "demo" else "outsider"
    person = Membership.objects.get(organization_id=agent.organization_id, user__username=name).user_id
    with within(agent.organization_id):
        return propose(
            Proposal(
                organization=agent.organization_id,
                run=uuid7(),
                step=1,
                origin="planner",
                initiator=person,
                agent=agent.pk,
                principals=(person,),
                tool=tool,
                arguments=arguments,
            )
        )


def scheduled(where: str) -> str:
    """A call that leaves by itself in an hour."""
    action = propose_as(where, "put_odd", {"thing": f"cup {uuid.uuid4().hex[:8]}"})
    assert action.status == "scheduled", action.status
    return str(action.pk)


def cookie(name: str) -> str:
    """A session of this person, who has just given a password."""
    from django.test import Client

    from accounts.models import User

    person = User.objects.get(username=name)
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    return str(client.cookies["sessionid"].value)


def approving(up: Up, number: int, between: Any = lambda _: None) -> list[float]:
    """Milliseconds of so many decisions, each the form's answer, one every fifth of a second."""
    session, token = cookie("reviewer"), secrets.token_hex(16)
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=30)
    headers = {
        "Cookie": f"sessionid={session}; csrftoken={token}",
        "X-CSRFToken": token,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    took = []
    for n in range(number):
        text = {"to": f"customer of order {n}", "body": f"Late until Friday, {uuid.uuid4().hex[:8]}."}
        action = propose_as("demo", "send_message", text)
        between(n)
        form = urllib.parse.urlencode({"decision": "approve", "digest": action.digest, "reason": ""})
        began = time.monotonic()
        connection.request("POST", f"/actions/{action.pk}/decide/", form, headers)
        answer = connection.getresponse()
        answer.read()
        took.append(1000 * (time.monotonic() - began))
        assert answer.status == 302, answer.status
        time.sleep(0.2)
    connection.close()
    return took


def say(what: str) -> None:
    """How far it is."""
    print(what, file=sys.stderr, flush=True)


def percentile(values: list[float], share: int) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def spread(values: list[float]) -> dict[str, float]:
    """Half, nineteen of twenty, ninety-nine of a hundred, all."""
    figures = {"p50": statistics.median(values), "p95": percentile(values, 95), "p99": percentile(values, 99)}
    return {name: round(value, 1) for name, value in {**figures, "max": max(values)}.items()}


if __name__ == "__main__":
    main()
