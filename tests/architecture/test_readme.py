"""What the README says is so: its charts, its words, its settings, its links, and the tool that it shows how to add."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import CommandError, call_command

from approvals.tasks import execute_permitted, sign_permits
from lam_app.management.commands.charts import BEGIN, END, charts, renewed
from tests.architecture.source import APPS, PROJECT, files, named
from tests.support.world import World, approved
from tools.connectors.python import TOOLS
from tools.offering import offer
from tools.registry import contracts
from traces.states import Machine

README = (PROJECT / "README.md").read_text(encoding="utf-8")
MANUAL = (PROJECT / "docs" / "manual.md").read_text(encoding="utf-8")
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
READERS = re.compile(
    r"env\.(?:text|flag|whole|names|path|url|modules|places|hosts|mail_server|mail_sender)\(\s*\"([A-Z_]+)\""
)
ANOTHER_S = {"LAM_CREDENTIAL_KEY"}


def test_the_charts_are_those_of_the_data() -> None:
    assert renewed(README) == README
    call_command("charts", check=True)


def test_a_new_edge_makes_the_charts_differ() -> None:
    machine = Machine("action", "proposed", {"proposed": frozenset({"done"})})
    assert "proposed --> done" in charts([machine])
    assert "proposed --> done" not in README


def test_a_readme_that_differs_fails_the_check(tmp_path: Path, settings: object) -> None:
    settings.BASE_DIR = tmp_path  # type: ignore[attr-defined]
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    with pytest.raises(CommandError, match="differ from the data"):
        call_command("charts", check=True)
    assert "old" in readme.read_text()
    call_command("charts", verbosity=0)
    assert readme.read_text() == f"before\n{BEGIN}\n\n{charts()}\n\n{END}\nafter\n"
    call_command("charts", check=True)


def test_a_text_without_its_marks_is_refused() -> None:
    for text in ("", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"):
        with pytest.raises(LookupError):
            renewed(text)


@pytest.mark.parametrize(("page", "text"), [("README.md", README), ("docs/manual.md", MANUAL)])
def test_every_link_leads_somewhere(page: str, text: str) -> None:
    here = (PROJECT / page).parent
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = link.partition("#")
        target = (here / place) if place else PROJECT / page
        if not target.exists():
            missing.append(link)
        elif anchor:
            heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}:
                missing.append(link)
    assert missing == []


def test_every_noun_is_defined_where_the_table_says() -> None:
    rows = re.findall(r"^\| (\w+) \| [^|]+ \| \[[^\]]+\]\(([^)]+)\) \|$", README, re.MULTILINE)
    assert len(rows) > 12
    for noun, place in rows:
        assert re.search(rf"^class {noun}\b", (PROJECT / place).read_text(encoding="utf-8"), re.MULTILINE), noun


def test_every_setting_is_in_the_table_and_every_row_is_a_setting() -> None:
    read = {
        name
        for module in ("lam_app.settings", "lam_app.supervisor.main")
        for name in READERS.findall((PROJECT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    }
    table = README.partition("## Settings")[2].partition("\n## ")[0]
    told = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
    }
    assert told == read - ANOTHER_S


def test_every_command_that_is_named_exists() -> None:
    from django.core.management import get_commands

    named = set(re.findall(r"manage\.py ([a-z]+)", README + MANUAL))
    assert named <= set(get_commands())
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`(?:time )?make ([a-z-]+)`", README + MANUAL)) <= targets


def test_the_changelog_ends_at_the_version_of_the_project() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    newest = re.search(r"^## (\S+)", CHANGELOG, re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == version


def test_the_version_stands_in_one_file() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    holding = {
        named(path) for app in APPS for path in files(".py", under=app) if f'"{version}"' in path.read_text("utf-8")
    }
    assert holding == set()


@pytest.fixture
def example(tmp_path: Path) -> Iterator[ModuleType]:
    """The README's tool, saved as the README says and imported; unregistered afterwards."""
    found = re.search(r"<!-- example: (\w+)\.py -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    name, source = found.groups()
    place = tmp_path / f"{name}.py"
    place.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    contracts()  # the installed tools are loaded when they are first asked for: they are not the example's
    before = set(TOOLS)
    spec.loader.exec_module(module)
    yield module
    for added in set(TOOLS) - before:
        del TOOLS[added]


def test_the_tool_that_the_readme_adds_goes_the_whole_road(example: ModuleType, world: World, tmp_path: Path) -> None:
    example.DEFECTS = tmp_path
    offer(world.organization, TOOLS["report_defect"].contract)
    action = world.staged("report_defect", {"title": "The printer on floor 3 is broken"})
    assert (action.status, action.summary) == ("in_review", "Report a defect: The printer on floor 3 is broken")
    approved(world, action)
    assert (sign_permits(), execute_permitted()) == (1, 1)
    action.refresh_from_db()
    assert action.status == "done"
    (defect,) = tmp_path.glob("defect-*.json")
    assert json.loads(defect.read_text()) == {"title": "The printer on floor 3 is broken", "urgent": False}


def test_the_readme_s_tool_says_when_it_did_nothing(example: ModuleType, world: World, tmp_path: Path) -> None:
    example.DEFECTS = tmp_path / "missing"
    offer(world.organization, TOOLS["report_defect"].contract)
    action = world.staged("report_defect", {"title": "The printer on floor 3 is broken"})
    approved(world, action)
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert action.status == "failed"
