"""What the types of the database promise: who writes holds a transaction, and no row is Any."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT, Module, modules

SAMPLE = """
from fediverse_support.db.pool import Conn, Db, Tx
async def read(conn: Conn) -> bool: return await conn.fetchrow("select 1") is not None
async def write(tx: Tx) -> str: return await tx.execute("select 1")
async def rightly(db: Db) -> None:
    async with db.transaction() as tx: print(await write(tx), await read(tx))
    async with db.connection() as lent, db.dedicated() as own: print(await read(lent), await read(own))
async def wrongly(db: Db, conn: Conn) -> None:
    await write(conn)
    async with db.connection() as lent, lent.transaction(): await write(lent)
    async with db.dedicated() as own: await write(own)
    print((await conn.fetchrow("select 1"))["one"])
"""


def test_a_connection_is_not_taken_for_a_transaction(tmp_path: Path) -> None:
    sample = tmp_path / "handing_over.py"
    sample.write_text(SAMPLE)
    checker = (sys.executable, "-m", "mypy", "--no-error-summary", sample)
    told = subprocess.run(checker, cwd=ROOT, capture_output=True, text=True)
    found = re.findall(r"^.*handing_over\.py:(\d+): error: .* \[([a-z-]+)\]$", told.stdout, re.MULTILINE)
    assert found == [("9", "arg-type"), ("10", "arg-type"), ("11", "arg-type"), ("12", "index")], told


def test_transactions_are_made_in_one_file() -> None:
    makers = {
        module.path
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and any(isinstance(part, ast.Name) and part.id == "Tx" for part in (node.func, *node.args))
    }
    assert makers == {"fediverse_support/db/pool.py"}


def test_nothing_that_is_stored_or_read_is_of_any_type() -> None:
    loose = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if module.name.startswith(("fediverse_support.store", "fediverse_support.reads"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert loose == []


def test_whoever_locks_holds_a_transaction() -> None:
    """A lock taken on a mere connection is gone before the next statement."""
    lax = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in modules()
        if (locking := _locking(module))
        for function in module.functions()
        if not locking.isdisjoint(
            ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Name)
        )
        if "Tx" not in _annotations(function) and ".transaction()" not in ast.unparse(function)
    ]
    assert lax == []


def _locking(module: Module) -> set[str]:
    constants = ((node.target, node.value) for node in module.tree.body if isinstance(node, ast.AnnAssign))
    return {
        ast.unparse(name)
        for name, value in constants
        if value is not None
        and re.search(r"for (no key )?update(?!.*skip locked)|advisory_xact", _text(value))
    }


def _text(value: ast.expr) -> str:
    texts = (node.value for node in ast.walk(value) if isinstance(node, ast.Constant))
    return " ".join(text for text in texts if isinstance(text, str))


def _annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [ast.unparse(each.annotation) for each in function.args.args if each.annotation is not None]
