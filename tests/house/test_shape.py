"""The shape of the source: charters, sizes, state, the guarded doors. What the import checker cannot see."""

from __future__ import annotations

import ast
import re

from tests.house.source import PACKAGES, ROOT, modules, spoken

MOST_LINES = 400
MOST_FUNCTION_LINES = 40
MOST_POSITIONAL = 5
HANDED_ON = {"self", "cls", "tx", "conn", "db", "instance", "deps", "request", "now"}
"""What nearly every function is given; only what comes on top has to be remembered in its order."""
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*\Z")
ALIAS = re.compile(r"_?[A-Z][A-Za-z0-9]*(_co|_contra)?\Z")
SOFTWARE = re.compile(
    r"(?<![a-z])(lemmy|piefed|mbin|kbin|nodebb|misskey|pleroma|akkoma|peertube|friendica|gotosocial|pixelfed"
    r"|mobilizon|hubzilla|wordpress|lotide|bookwyrm|writefreely|iceshrimp|firefish)(?![a-z])",
    re.IGNORECASE,
)
CLIENT_WORDS = re.compile(r"reblog|spoiler_text")
LEFTOVERS = re.compile(
    r"\b(?:TODO|FIXME|XXX|HACK|NotImplementedError)\b|/work/|/tmp/w\b|\bissue #?\d|@pytest\.mark\.skip\b"
)
BARE_NAMES = re.compile(r"(^|/)(utils?|helpers?|common|managers?|services?|base|misc)(\.py)?$")


def test_every_room_has_a_charter_and_nothing_else_in_its_init() -> None:
    bad = []
    for package in PACKAGES:
        for directory in sorted({path.parent for path in (ROOT / package).rglob("*.py")}):
            init = directory / "__init__.py"
            name = init.relative_to(ROOT).as_posix()
            if not init.exists():
                bad.append(f"{name} is missing")
                continue
            tree = ast.parse(init.read_text(encoding="utf-8"))
            if len(ast.get_docstring(tree) or "") < 120:
                bad.append(f"{name} does not say what belongs here and who may import it")
            if len(tree.body) > 1:
                bad.append(f"{name} holds more than its docstring")
    assert bad == []


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    paths = [path for top in (*PACKAGES, "tests") for path in (ROOT / top).rglob("*.py")]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    long = {name: lines for name, text in texts.items() if (lines := text.count("\n")) > MOST_LINES}
    assert "tests/house/test_shape.py" in texts
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{module.path}:{function.lineno} {function.name} has {lines} lines"
        for module in modules()
        for function in module.functions()
        if (lines := _length(function)) > MOST_FUNCTION_LINES
    ]
    assert long == []


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of what a function does, without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1


def test_no_function_takes_more_than_five_positional_arguments() -> None:
    many = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in modules()
        for function in module.functions()
        if len([arg for arg in function.args.args if arg.arg not in HANDED_ON]) > MOST_POSITIONAL
    ]
    assert many == []


def test_no_module_holds_state() -> None:
    held = []
    for module in modules():
        for node in module.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                if isinstance(target, ast.Name) and not _may_stand(target.id):
                    held.append(f"{module.path}:{node.lineno} {target.id}")
        held += [
            f"{module.path}:{node.lineno} global {', '.join(node.names)}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Global)
        ]
    assert held == []


def _may_stand(name: str) -> bool:
    return bool(CONSTANT.match(name) or ALIAS.match(name)) or name == "log"


def test_proof_is_made_in_one_file() -> None:
    makers = {
        module.path
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _called(node).split("[")[0].endswith("Authentic")
    }
    assert makers <= {"federation/authenticity.py"}


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_only_the_outermost_places_catch_everything() -> None:
    allowed = {"fediverse_support/web/errors.py", "fediverse_support/workers/loop.py"}
    catching = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if module.path not in allowed
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert catching == []


def test_other_software_is_named_in_one_file() -> None:
    named = [
        f"{module.path}:{line} {text[:60]!r}"
        for module in modules()
        if module.path != "federation/quirks.py"
        for line, text in spoken(module)
        if SOFTWARE.search(text) and not text.startswith("https://")  # a namespace, not a program
    ]
    assert named == []


def test_the_client_apis_words_stay_at_its_edge() -> None:
    strayed = [
        f"{module.path}:{line} {text[:60]!r}"
        for module in modules()
        if not module.path.startswith("fediverse_support/web/mastodon/")
        for line, text in spoken(module)
        if CLIENT_WORDS.search(text)
    ]
    assert strayed == []


def test_nothing_is_left_over() -> None:
    left = []
    for folder in (*PACKAGES, "tests", "deploy"):
        for path in sorted((ROOT / folder).rglob("*")):
            if (
                path.suffix not in (".py", ".sql", ".html", ".css", ".md", ".yaml", ".toml")
                or path.name == "test_shape.py"
            ):
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if found := LEFTOVERS.search(line):
                    left.append(f"{path.relative_to(ROOT)}:{number} {found[0]}")
    assert left == []


def test_no_module_is_called_by_an_empty_word() -> None:
    assert [module.path for module in modules() if BARE_NAMES.search(module.path)] == []
