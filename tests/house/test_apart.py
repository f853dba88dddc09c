"""What a second process, or a second machine, would not see of the first is written down in README's tour."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.source import ROOT, Module, modules

HOLDERS = frozenset("dict set list deque OrderedDict defaultdict Counter".split())
HEADING = "### What may differ between processes"
PASSING = {
    # One request, one batch or one visit: gone before anybody could miss it.
    "domain/codes.py NewCode", "pipeline/names.py Names", "pipeline/outbox.py Sheet",
    "web/mastodon/errors.py Refused", "web/mastodon/params.py Params", "web/pages/posts/posts.py Problem",
    "web/pages/views.py View", "workers/jobs.py Job", "workers/visits.py Visit",
    # The same in every process, because it is made of the code alone.
    "adapters/passwords.py _hasher", "domain/plaintext.py _crowd", "domain/plaintext.py _marks",
    "domain/plaintext.py _too_many", "domain/richtext.py _cleaner", "domain/richtext.py _markdown",
    "web/mastodon/calls.py Endpoint",
    # Of what it is asked with alone, so that it is right wherever it is asked.
    "domain/house.py read",
    # Parts of what is named.
    "domain/buckets.py Buckets", "domain/buckets.py Shelf", "lookups.py _Line", "lookups.py _Meters",
}  # fmt: skip


def holders(module: Module) -> list[str]:
    """The classes that keep several things from call to call, and the functions that remember answers."""
    short = module.path.removeprefix("fediverse_support/")
    found = []
    for node in ast.walk(module.tree):
        match node:
            case ast.ClassDef(name=name) if any(keeps(part) for part in node.body):
                found.append(f"{short} {name}")
            case ast.FunctionDef(name=name, decorator_list=marks) if any(
                "cache" in ast.unparse(m) for m in marks
            ):
                found.append(f"{short} {name}")
    return found


def keeps(part: ast.stmt) -> bool:
    """Say whether a part of a class makes a container for each of its objects."""
    match part:
        case ast.AnnAssign(value=ast.Call(keywords=words)):
            made = [ast.unparse(word.value) for word in words if word.arg == "default_factory"]
            return any(re.split(r"[\[.]", text)[0] in HOLDERS for text in made)
        case ast.FunctionDef(name="__init__" | "__post_init__"):
            return any(_is_kept(node) for node in ast.walk(part))
    return False


def _is_kept(node: ast.AST) -> bool:
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"))], value=value):
            pass
        case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self")), value=ast.expr() as value):
            pass
        case _:
            return False
    match value:
        case ast.Dict() | ast.List() | ast.Set():
            return True
        case ast.Call(
            func=ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(value=ast.Name(id=name))
        ):
            return name in HOLDERS
    return False


def named() -> set[str]:
    """What README names."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition(HEADING)[2].partition("\n## ")[0].partition("\n### ")[0]
    return {f"{path} {name}" for path, name in re.findall(r"^\| `([\w/]+\.py)` `(\w+)`", table, re.MULTILINE)}


def test_whatever_a_process_keeps_to_itself_is_named() -> None:
    kept = {
        one for module in modules() if module.path.startswith("fediverse_support/") for one in holders(module)
    }
    assert kept - PASSING == named()
    assert PASSING - kept == set()


def test_limits_on_guessing_are_kept_by_no_process() -> None:
    """Sign-in, codes and invitations: whoever tries elsewhere is the same."""
    assert [one for one in named() | PASSING if one.startswith(("actions/accounts", "store/"))] == []


@pytest.mark.parametrize(
    "text",
    [
        "class Tries:\n    def __init__(self) -> None:\n        self._by: dict[str, int] = {}\n",
        "@dataclass\nclass Tries:\n    by: dict[str, int] = field(default_factory=dict)\n",
        "@lru_cache\ndef tries(name: str) -> int:\n    return 0\n",
    ],
)
def test_something_that_is_kept_is_found(text: str) -> None:
    assert holders(Module("fediverse_support/actions/accounts/made_up.py", text, ast.parse(text)))
