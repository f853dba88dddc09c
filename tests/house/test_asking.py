"""There is one way out for questions and one for deliveries, and no other."""

from __future__ import annotations

import ast

from tests.house.source import modules

WAYS_OUT = {"fediverse_support/lookups.py", "fediverse_support/workers/visits.py"}
LIBRARIES = {
    "aiohttp", "aiosmtplib", "httpx", "urllib.request", "http.client", "requests", "smtplib", "socket",
}  # fmt: skip
MAY_CONNECT = {
    "fediverse_support/adapters/http_client.py",
    "fediverse_support/adapters/mailer.py",
    # Our own address, the operator's own doing, and the listening sockets of this machine.
    "fediverse_support/cli/doctor.py",
    "fediverse_support/cli/children.py",
    "fediverse_support/cli/serving.py",
    "fediverse_support/cli/demo.py",
    "fediverse_support/cli/world.py",
    "fediverse_support/processes.py",
}


def test_only_two_files_send_anything_through_the_transport() -> None:
    senders = {
        module.path
        for module in modules()
        if module.path.startswith("fediverse_support/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "send"
        and "transport" in ast.unparse(node.func.value)
    }
    assert senders == WAYS_OUT


def test_nobody_else_opens_a_connection() -> None:
    connectors = {
        module.path
        for module in modules()
        if module.path.startswith("fediverse_support/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        if not LIBRARIES.isdisjoint(_names(node))
    }
    assert connectors <= MAY_CONNECT | {path for path in connectors if "postgres" in path}


def _names(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {node.module or ""} if isinstance(node, ast.ImportFrom) else {alias.name for alias in node.names}
