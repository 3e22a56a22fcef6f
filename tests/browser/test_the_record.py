"""The pages of the record: a row's history, verification, export and evidence, by eye and by axe-core."""

import zipfile
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.actors import person
from tests.browser.conftest import SIZES, faults_everywhere
from tests.integration.test_evidence import done, made
from tests.support.asking import work_off
from tests.support.sealing import seal_in, tamper, tell
from tests.support.world import World
from traces.inquiries import evidence, export, verification
from traces.inquiry import Outlet
from traces.models import Event

ALL_SIZES = tuple(SIZES)
HOOK = "https://checkpoints.example.org/kept"


def test_no_page_of_the_record_has_a_fault(
    world: World, at_desk: Callable[..., Page], tmp_path: Path, settings: Any
) -> None:
    settings.LAM_CHECKPOINT_URL = HOOK
    seal = seal_in(tmp_path)
    run = world.run()
    action = done(world, run)
    by, ours = person(world.auditor), world.organization.id
    page = at_desk("auditor")
    found = {}

    page.goto("/audit/")
    found["log"] = faults_everywhere(page, "audit", sizes=ALL_SIZES)
    page.goto("/audit/verify/")
    found["nothing verified"] = faults_everywhere(page)
    verification(ours, by=by)
    work_off(seal)
    Outlet.objects.create(pk=1, told_at=timezone.now())
    page.goto("/audit/verify/")
    expect(page.locator("#verdict")).to_contain_text("Every event is as it was sealed")
    found["verified"] = faults_everywhere(page, "verify", sizes=ALL_SIZES)

    since = timezone.now() - timedelta(days=1)
    for asked in (None, since):
        export(ours, since=asked, until=None, by=by)
    work_off(seal)
    page.goto("/audit/export/")
    expect(page.get_by_role("link", name="Download").first).to_be_visible()
    found["export"] = faults_everywhere(page, "export", sizes=ALL_SIZES)

    for kind, subject in (("action", action.pk), ("run", run.pk)):
        evidence(ours, subject_kind=kind, subject=subject, by=by)
    work_off(seal)
    page.goto(f"/actions/{action.pk}/evidence/")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    found["evidence"] = faults_everywhere(page, "evidence", sizes=ALL_SIZES)
    page.goto(f"/runs/{run.pk}/evidence/")
    found["evidence of a run"] = faults_everywhere(page)

    page.goto(f"/audit/subjects/{action.pk}/")
    page.locator("tbody details summary").first.click()
    found["history"] = faults_everywhere(page, "history", sizes=ALL_SIZES)
    page.goto("/audit/?verb=no_such_verb")
    found["nothing found"] = faults_everywhere(page)

    tell(ours, 3)
    seal.passes()
    victim = Event.objects.filter(organization=ours, verb="noted").first()
    assert victim is not None
    tamper("UPDATE traces_event SET reason = 'nothing to see' WHERE id = %s", victim.pk)
    Outlet.objects.update(
        failing_since=timezone.now(), due_at=timezone.now(), attempts=3, problem="checkpoints.example.org answered 503."
    )
    verification(ours, by=by)
    page.goto("/audit/verify/")
    expect(page.locator("#result")).to_contain_text("It waits for the sealer")
    work_off(seal)
    expect(page.locator("#verdict")).to_contain_text(str(victim.pk))
    found["not intact"] = faults_everywhere(page, "verify-bad", sizes=ALL_SIZES)
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_the_kept_card_opens_without_the_product(world: World, at_desk: Callable[..., Page], tmp_path: Path) -> None:
    seal = seal_in(tmp_path)
    action = done(world)
    with zipfile.ZipFile(BytesIO(made(world, seal, action))) as archive:
        (tmp_path / "card.html").write_bytes(archive.read("card.html"))
    page = at_desk("auditor")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "card.html").as_uri())
    expect(page.locator("h1")).to_contain_text(action.summary)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.locator("button, form, input, a[href]").count() == 0
    assert faults_everywhere(page, "evidence-card", sizes=("wide", "phone")) == []
