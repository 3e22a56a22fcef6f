"""What may not stand in the project's files: test data in the product, machines, registries, code inside of pages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import APPS, PROJECT, TEXT, files, named, product

# Spelled in parts, so that this file does not hold what it looks for.
REGISTRIES = [
    "pypi" + ".org", "pypi" + ".python", "python" + "hosted", "npm" + "js.", "registry" + ".npm", "docker" + ".io",
    "ghcr" + ".io", "quay" + ".io", "proxy.golang" + ".org", "crates" + ".io", "rubygems" + ".org", "arti" + "factory",
    "index" + "-url", "find" + "-links",
]  # fmt: skip
MACHINE_PATH = re.compile(
    "(?<![\\w.$}])/(" + "|".join(["ro" + "ot", "wo" + "rk", "Us" + "ers", "ho" + "me"]) + ")/[\\w.]"
)
CDN = ["jsdeli" + "vr", "unp" + "kg", "cdn" + "js", "google" + "apis", "gst" + "atic", "esm" + ".sh", "sky" + "pack"]
TEST_DATA = [
    "retail", "airline", "banking", "tau2", "tau-bench", "sierra", "kettle", "mei_kovacs", "yusuf_rossi",
    "find_user_id", "get_order_details", "get_user_details", "cancel_pending", "modify_pending", "modify_user_address",
    "exchange_delivered", "return_delivered", "list_all_product", "transfer_to_human", "gift_card",
]  # fmt: skip
"""Words of the tasks that the product is tried with, which nobody here wrote. The product must not know them."""

MENTION_REGISTRIES = {"tests/architecture/test_requirements.py": "it looks for them too"}

FROM_A_PACKAGE = {"lam_app.templatetags.look": ["SafeString(svg)"]}
"""An icon's drawing comes from the installed set; its name is written in our templates."""

INLINE = {
    "a script's body": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE),
    "code between script tags": re.compile(r"<script[^>]*>\s*[^<\s]", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"<[a-z][^<>]*\sstyle\s*=", re.IGNORECASE),
    "an event handler": re.compile(r"<[a-z][^<>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an htmx handler": re.compile(r"\b(data-)?hx-on\b", re.IGNORECASE),
    "htmx values from code": re.compile(
        r"hx-(vals|vars|headers|request)\s*=\s*['\"]\s*(js|javascript):|hx-vars", re.IGNORECASE
    ),
    "an htmx filter, which is code": re.compile(r"hx-trigger\s*=\s*[\"'][^\"']*\[", re.IGNORECASE),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "markup taken as safe": re.compile(r"\|\s*safe(seq)?\b|\bautoescape\s+off\b"),
    "an address elsewhere": re.compile(
        r"(?:src|href|action|hx-(?:get|post|put|patch|delete))\s*=\s*[\"'](?:https?:)?//"
    ),
}


def product_files() -> list[Path]:
    """Code, templates and style of the product."""
    return [
        p for part in (*APPS, "templates", "static") for p in files(".py", ".html", ".css", ".js", ".svg", under=part)
    ]


def text_files() -> list[Path]:
    """Every file of the project that people read."""
    return list(files(*TEXT))


def test_there_is_something_to_look_at() -> None:
    assert len(text_files()) > 100
    assert PROJECT / "templates" / "base.html" in product_files()


def test_the_product_knows_no_word_of_the_tasks_it_is_tried_with() -> None:
    words = re.compile("|".join(map(re.escape, TEST_DATA)), re.IGNORECASE)
    found = {named(path): sorted(set(words.findall(path.read_text("utf-8")))) for path in product_files()}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_no_file_names_a_package_registry() -> None:
    found = {
        named(path): [word for word in REGISTRIES if word in path.read_text("utf-8", "replace").lower()]
        for path in text_files()
        if named(path) not in MENTION_REGISTRIES
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_no_file_names_a_place_on_somebody_s_machine() -> None:
    found = {named(path): MACHINE_PATH.findall(path.read_text("utf-8", "replace")) for path in text_files()}
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize("what", sorted(INLINE))
def test_no_page_holds(what: str) -> None:
    found = {
        named(path): [m.group()[:120] for m in INLINE[what].finditer(path.read_text("utf-8"))]
        for path in files(".html", under="templates")
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_no_code_declares_text_to_be_markup() -> None:
    """`format_html` escapes what it is given; these do not. Constants are ours, so they may be markup."""
    found = {
        module: [
            ast.unparse(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func).split(".")[-1] in {"mark_safe", "SafeString", "SafeText"}
            and not (len(node.args) == 1 and isinstance(node.args[0], ast.Constant))
        ]
        for module, tree in product().items()
    }
    assert {module: calls for module, calls in found.items() if calls} == FROM_A_PACKAGE


def test_every_file_that_a_page_loads_is_our_own() -> None:
    elsewhere = re.compile("|".join(map(re.escape, CDN)) + r"|@import\s|url\(\s*['\"]?(?:https?:)?//", re.IGNORECASE)
    found = {
        named(path): elsewhere.findall(path.read_text("utf-8"))
        for part in ("templates", "static")
        for path in files(".html", ".css", ".js", ".svg", under=part)
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_our_scripts_make_no_markup_from_text() -> None:
    words = re.compile(
        r"\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(\s*['\"]"
    )
    found = {named(path): words.findall(path.read_text("utf-8")) for path in files(".js", under="static")}
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize(
    ("what", "markup"),
    [
        ("a script's body", "<script>alert(1)</script>"),
        ("code between script tags", '<script src="x">alert(1)</script>'),
        ("a style attribute", '<p class="a" style="color: red">'),
        ("an event handler", '<img src="x" onerror="alert(1)">'),
        ("an htmx handler", '<p hx-on:click="alert(1)">'),
        ("htmx values from code", "<p hx-vals='js:{a: 1}'>"),
        ("an htmx filter, which is code", '<p hx-trigger="click[ctrlKey]">'),
        ("markup taken as safe", "{{ value|safe }}"),
        ("an address elsewhere", '<script src="//elsewhere/a.js"></script>'),
    ],
)
def test_what_is_looked_for_is_found(what: str, markup: str) -> None:
    assert INLINE[what].search(markup)
