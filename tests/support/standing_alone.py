"""The verifier that auditors are given, as a module: it shares no code with the product."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

STANDALONE = Path(__file__).parents[2] / "deploy" / "verify_export.py"


def loaded() -> ModuleType:
    """The file, read anew."""
    spec = importlib.util.spec_from_file_location("verify_export", STANDALONE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
