"""Every page says to its template what its view holds: typed, frozen, and no name more or less."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeGuard, get_args, get_origin, get_type_hints

import pytest
from jinja2 import DictLoader, Environment, meta

from fediverse_support.web.pages import engine
from fediverse_support.web.pages.views import Frame, View
from tests.house.source import modules
from tests.house.templates import Callable, Reader, kinds

ROOMS: Final = "fediverse_support.web.pages"
# What every template finds besides, with its type; functions are read by their annotations.
GLOBALS: Final[Mapping[str, object]] = {
    "style_url": str,
    "icon_url": str,
    "taken_out": str,
    "covered": str,
    "kinds": Mapping[str, tuple[str, str]],
    "kind_names": Mapping[str, str],
    "rules": Mapping[str, str],
    "language": str,
    "direction": str,
    "once": Callable(str),
    "_": Callable(str),
    "gettext": Callable(str),
    "ngettext": Callable(str),
}


@dataclass(frozen=True)
class Page:
    """A template, and the view that a handler gives it."""

    template: str
    view: type[View]


def pages() -> list[Page]:
    """Every page that a handler makes."""
    found = []
    for module in modules():
        for node in ast.walk(module.tree) if module.name.startswith(ROOMS) else ():
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="pages" | "self"), attr="page"), args=args
                ):
                    found.append(_page(module.name, node, args))
    return found


def _page(module: str, call: ast.Call, args: list[ast.expr]) -> Page:
    match args:
        case [_, ast.Constant(value=str(template)), ast.Call(func=ast.Name(id=name))]:
            return Page(template, getattr(importlib.import_module(module), name))
        case _:
            pytest.fail(f"{module}:{call.lineno}: name the template and its view where the page is made")


def held_by(view: type) -> dict[str, object]:
    """What a template sees of a view, with the types."""
    hints = get_type_hints(view)
    return {part.name: hints[part.name] for part in fields(view)}


def read(page: Page, env: Environment | None = None) -> Reader:
    """Read a page's template against its view and the frame."""
    env = env or engine.environment("", "")
    reader = Reader(env, GLOBALS)
    reader.read(page.template, held_by(page.view) | held_by(Frame))
    return reader


PAGES: Final = pages()
VIEWS: Final = sorted({page.view for page in PAGES}, key=str)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.template}-{page.view.__name__}")
def test_a_template_asks_only_for_what_its_view_holds(page: Page) -> None:
    assert read(page).faults == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_a_view_is_frozen_and_holds_nothing_untyped(view: type[View]) -> None:
    assert issubclass(view, View)
    assert view.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert untyped(view) == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_what_a_view_holds_is_said_by_one_of_its_templates(view: type[View]) -> None:
    used = {name for page in PAGES if page.view is view for name in read(page).used}
    assert held_by(view).keys() - used == set()


def untyped(view: type) -> list[str]:
    """Name the fields of a view, and of what it is made of, that are a dict, an object or of any type."""
    faults, seen, waiting = [], {view}, [view]
    while waiting:
        owner = waiting.pop()
        for name, hint in get_type_hints(owner).items():
            for part in parts_of(hint):
                if part in (Any, object, dict):
                    faults.append(f"{owner.__name__}.{name}")
                elif is_ours(part) and part not in seen:
                    seen.add(part)
                    waiting.append(part)
    return faults


def is_ours(part: object) -> TypeGuard[type]:
    """Say whether a type is a class of the pages themselves."""
    return isinstance(part, type) and part.__module__.startswith(ROOMS)


def parts_of(hint: object) -> Iterator[object]:
    """A type and every type that it is made of."""
    for kind in kinds(hint):
        yield get_origin(kind) or kind
        for part in get_args(kind):
            yield from parts_of(part) if part is not ... else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    words: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial(View):
    lines: tuple[_Line, ...]
    first: _Line | None
    by_name: Mapping[str, _Line]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ lines }}{{ viewer.display_name }}{{ nav[0].words }}", None),
        ("{{ nothing }}", "nothing is not there"),
        ("{% for line in lines %}{{ line.adress }}{% endfor %}", "_Line has no adress"),
        ("{% if first and first.standing == 'held' %}1{% endif %}", "_Line has no standing"),
        ("{{ viewer.person.nickname }}", "Person has no nickname"),
        ("{% set one = first %}{{ one.wrods }}", "_Line has no wrods"),
        ("{{ by_name['a'].wrods | trim }}", "_Line has no wrods"),
        ("{{ by_name.get('a').wrods }}", "_Line has no wrods"),
        ("{% for name, line in by_name.items() %}{{ line.wrods }}{% endfor %}", "_Line has no wrods"),
        ("{% for line in lines if line.wrods %}1{% endfor %}", "_Line has no wrods"),
        ("{{ (first if lines else path).address }}", "str has no address"),
        ("{% macro say(line) %}{{ line.wrods }}{% endmacro %}{{ say(first) }}", "_Line has no wrods"),
        ("{% macro say(line) %}{{ line.words }}{% endmacro %}{{ say(path) }}", "str has no words"),
        ("{% macro say(line) %}{{ line }}{% endmacro %}{{ say() }}", "say asks for line"),
        ("{% macro say(line) %}{{ line }}{% endmacro %}{{ say(first, lnie=1) }}", "say takes no such thing"),
        ("{% macro say(line) %}{{ line }}{% endmacro %}{{ say(**by_name) }}", "names that nobody can read"),
        ('{% from "part.html" import say %}{{ say(first) }}', "_Line has no shade"),
        ('{% extends "frame.html" %}{% block main %}{{ titel }}{% endblock %}', "titel is not there"),
        ('{% extends "foot.html" %}', "where is not there"),
        ('{% include "part.html" %}', "Include is nothing this test can read"),
    ],
)
def test_the_reading_of_templates_finds_what_is_missing(template: str, fault: str | None) -> None:
    texts = {
        "trial.html": template,
        "part.html": "{% macro say(line) %}{{ line.shade }}{% endmacro %}",
        "frame.html": "{% block main %}{% endblock %}",
        "foot.html": "{% block main %}{% endblock %}{{ where }}",
    }
    faults = read(Page("trial.html", _Trial), Environment(loader=DictLoader(texts), autoescape=True)).faults
    assert [fault is not None and fault in found for found in faults] == [True] * (fault is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bag(View):
    names: dict[str, str]
    rows: tuple[Mapping[str, Any], ...]
    thing: object


def test_a_field_that_is_a_bag_is_found() -> None:
    assert untyped(_Bag) == ["_Bag.names", "_Bag.rows", "_Bag.thing"]


def test_every_template_is_a_page_or_a_part_of_one() -> None:
    env = engine.environment("", "")
    assert env.loader is not None
    named = {page.template for page in PAGES}
    for template in env.loader.list_templates():
        if template.endswith(".html"):
            tree = env.parse(env.loader.get_source(env, template)[0])
            named |= {name for name in meta.find_referenced_templates(tree) if name}
    assert named == {name for name in env.loader.list_templates() if name.endswith(".html")}
