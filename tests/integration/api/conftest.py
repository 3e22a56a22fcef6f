"""The API's cast: the world with an outside agent and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.api import Api
    from tests.support.world import World


@pytest.fixture
def api(world: World) -> Api:
    """A caller for each kind of token."""
    from tests.support.api import make_api  # models can be imported only once the servers run

    return make_api(world)
