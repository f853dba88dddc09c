"""Every page escapes what it is given, and prints as it is only what was cleaned."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from fediverse_support.speech import ENGLISH
from fediverse_support.web.pages import engine
from tests.house.source import ROOT, Module, modules

TEMPLATES = ROOT / "templates"
PAST_IT = re.compile(
    r"\|\s*(safe|forceescape)\b|\bautoescape\b|\bMarkup\b|<script\b|\son[a-z]+\s*=|\sstyle\s*=", re.IGNORECASE
)
"""What would print as it is, or run, what somebody wrote."""
PLAIN = {"fediverse_support/workers/errands/letters.py"}
"""Makes letters of plain text, in which nothing is escaped because nothing is read as HTML."""


def unsafe(folder: Path) -> list[str]:
    """Every line of a page in a folder that goes past escaping."""
    return [
        f"{path.relative_to(folder).as_posix()}:{number}"
        for path in sorted(folder.rglob("*.html"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if PAST_IT.search(line)
    ]


def unescaped(tree: tuple[Module, ...]) -> set[str]:
    """The modules that make templates which do not escape, or take text for clean HTML."""
    return {
        module.path
        for module in tree
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and (called := ast.unparse(node.func).split(".")[-1]) in ("Environment", "Template", "Markup")
        and (called != "Environment" or not _escapes(node))
    }


def makers(tree: tuple[Module, ...]) -> set[str]:
    """The modules that make an environment of templates which escapes."""
    return {
        module.path
        for module in tree
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Environment" and _escapes(node)
    }


def _escapes(call: ast.Call) -> bool:
    return any(word.arg == "autoescape" and ast.unparse(word.value) == "True" for word in call.keywords)


def test_every_template_leaves_escaping_on() -> None:
    read = {path.name for path in TEMPLATES.rglob("*.html")}
    assert {"base.html", "post.html", "thread.html"} <= read and len(read) > 30
    assert unsafe(TEMPLATES) == []


@pytest.mark.parametrize(
    "line",
    [
        "<p>{{ post.title | safe }}</p>",
        "{% autoescape false %}{{ post.title }}{% endautoescape %}",
        '<a onclick="go()" href="/">',
        '<p style="color: red">',
        '<script src="/static/more.js"></script>',
    ],
)
def test_a_line_that_goes_past_escaping_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "threads").mkdir()
    (tmp_path / "threads" / "thread.html").write_text(f"<main>\n{line}\n</main>\n", encoding="utf-8")
    assert unsafe(tmp_path) == ["threads/thread.html:2"]


def test_pages_are_made_in_one_place_which_escapes() -> None:
    # The filter that prints what `richtext` cleaned stands beside the environment.
    assert unescaped(modules()) == PLAIN | {"fediverse_support/web/pages/engine.py"}
    assert makers(modules()) == {"fediverse_support/web/pages/engine.py"}
    functions = {
        function.name
        for module in modules()
        if module.path == "fediverse_support/web/pages/engine.py"
        for function in module.functions()
        if "Markup(" in ast.unparse(function)
    }
    # Besides it, words of ours between `{% trans %}` and `{% endtrans %}`, or of a catalogue that comes with
    # us; what fills their slots is escaped.
    assert functions == {"safe_html", "spoken", "gettext", "ngettext"}


@pytest.mark.parametrize("name", ["gettext", "ngettext"])
def test_what_fills_a_slot_of_a_sentence_is_escaped(name: str) -> None:
    say = engine.spoken(ENGLISH)[name]
    words = ("<b>%(who)s</b>",) if name == "gettext" else ("%(who)s", "<b>%(who)s</b>", 2)
    assert say(*words, who="<i>Io</i>") == "<b>&lt;i&gt;Io&lt;/i&gt;</b>"


def test_an_environment_that_does_not_escape_is_found() -> None:
    text = "from jinja2 import Environment\nENV = Environment(autoescape=False)\n"
    path = "fediverse_support/web/pages/rash.py"
    assert path in unescaped((Module(path, text, ast.parse(text)),))
