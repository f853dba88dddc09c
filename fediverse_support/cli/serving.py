"""`serve` and `demo`: the long-running commands. Light, because this module stays in the parent process."""

from __future__ import annotations

import argparse
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fediverse_support import processes, settings
from fediverse_support.cli.grammar import complain
from fediverse_support.processes import Plan, ServeProblem
from fediverse_support.settings import Settings

BASE_URL: Final = "FEDIVERSE_SUPPORT_BASE_URL"
DEFAULT_PORT: Final = 8000
PRODUCT: Final = "Fediverse Support"
DEMO_PASSWORD: Final = "lamp-in-the-window"
DEMO_LOGINS: Final = (
    ("wren", "member"),
    ("marlow", "member"),
    ("tansy", "member"),
    ("heron", "member"),
    ("asha", "moderator"),
    ("tom", "admin"),
)


def set_base_url(environ: MutableMapping[str, str], port: int | None, config: Path | None) -> None:
    """Let `--port` decide the address of an instance that has been given none."""
    if port is not None and not settings.has_base_url(environ, config=config):
        environ[BASE_URL] = f"http://localhost:{port}"


def serve(typed: argparse.Namespace, chosen: Settings) -> int:
    """Run the server until it is told to stop."""
    announcement = f"{PRODUCT} is ready: {chosen.base_url}"
    return _run(typed, chosen, host=typed.host, role=typed.role, announcement=announcement)


def demo(typed: argparse.Namespace, chosen: Settings) -> int:
    """Run the server on loopback with people and groups to try."""
    width = max(len(name) for name, _ in DEMO_LOGINS)
    lines = [f"{PRODUCT} is ready: {chosen.base_url}", ""]
    lines += [f"  Sign in as {name:<{width}}  ({role})" for name, role in DEMO_LOGINS]
    lines += [f"  The password of all of them: {DEMO_PASSWORD}", "", "Ctrl-C stops it; the data stays."]
    return _run(
        typed, chosen, host="127.0.0.1", role="all", announcement="\n".join(lines), prepare=("--demo",)
    )


def _run(
    typed: argparse.Namespace,
    chosen: Settings,
    *,
    host: str,
    role: str,
    announcement: str,
    prepare: tuple[str, ...] = (),
) -> int:
    roles = processes.roles_for(role)
    try:
        listener = processes.bind(host, typed.port or _port_of(chosen.base_url)) if "web" in roles else None
        processes.serve(
            Plan(
                settings=chosen,
                roles=roles,
                listener=listener,
                announcement=announcement if "web" in roles else "The workers are ready.",
                environ=processes.environment(chosen, os.environ),
                extra=_config(typed),
                prepare=(*prepare, "--listens") if "web" in roles else prepare,
            )
        )
    except ServeProblem as error:
        return complain(str(error))
    return 0


def _port_of(base_url: str) -> int:
    parts = urlsplit(base_url)
    return parts.port if parts.scheme == "http" and parts.port else DEFAULT_PORT


def _config(typed: argparse.Namespace) -> tuple[str, ...]:
    config: Path | None = getattr(typed, "config", None)
    return () if config is None else ("--config", str(config.absolute()))
