"""The stage for the package's tests, the chaos tools in the catalogue, and the figures that the killing produced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.stage import Stage


@pytest.fixture(scope="package")
def theatre() -> Iterator[Stage]:
    """Servers and nursery, once."""
    from tests.support.stage import stage

    with stage() as found:
        yield found


@pytest.fixture
def chaos_catalogue() -> Iterator[None]:
    """The chaos tools are on offer here, for one test only: other tests count the tools on offer."""
    from tests.support import chaos_tools
    from tools.connectors.python import TOOLS

    mine = {name: getattr(chaos_tools, name) for name in chaos_tools.NAMES}
    TOOLS.update(mine)
    yield
    for name in mine:
        del TOOLS[name]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the sweeps counted, also when the tests ran in several processes."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in getattr(report, "user_properties", []):
            if name in {"killed", "cut", "stops"}:
                terminalreporter.write_line(f"{name}: {value}")
