"""The deployment files agree with the code about limits, names and paths."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest

from fediverse_support import settings
from fediverse_support.cli import grammar
from fediverse_support.web import app
from fediverse_support.web.pages import addresses
from tests.house.source import ROOT

DEPLOY = ROOT / "deploy"


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def test_only_settings_that_exist_are_set() -> None:
    for path in sorted(path for path in DEPLOY.iterdir() if path.suffix != ".png"):
        named = set(re.findall(r"FEDIVERSE_SUPPORT_[A-Z_]+\b", path.read_text(encoding="utf-8")))
        assert named <= set(settings.NAMES), path.name


def test_only_commands_that_exist_are_typed() -> None:
    parser = grammar.parser()
    for line in re.findall(r'"fediverse-support", ("serve".*?)\]', text("Containerfile")):
        parser.parse_args(re.findall(r'"([^"]+)"', line))
    [command] = re.findall(
        r"^ExecStart=\S+/fediverse-support (.*)$", text("fediverse-support.service"), re.MULTILINE
    )
    parser.parse_args(command.split())


def test_the_proxies_have_our_limits() -> None:
    assert app.MAX_BODY == 1024 * 1024 and app.MAX_HEADER_BYTES == 32 * 1024
    assert "max_header_size 32KB" in text("Caddyfile")
    assert "large_client_header_buffers 2 32k" in text("nginx.conf")
    assert "client_max_body_size 1m" in text("nginx.conf")


def test_the_proxies_do_not_log_who_looks_for_help_and_hide_the_numbers() -> None:
    for name in ("Caddyfile", "nginx.conf"):
        assert "help" in text(name) and "exit" in text(name) and "/metrics" in text(name)


def test_the_proxies_pass_the_path_on_as_it_came() -> None:
    assert re.search(r"proxy_pass http://fediverse_support;", text("nginx.conf"))
    assert "rewrite" not in text("nginx.conf") and "uri strip" not in text("Caddyfile")


@pytest.mark.parametrize("address", [f"{start}0123abcd" for start in addresses.WITH_A_CODE])
def test_no_log_holds_an_address_by_which_somebody_comes_in_once(address: str) -> None:
    [skipped] = re.findall(r"@unlogged path (.*)", text("Caddyfile"))
    assert any(fnmatch(address, pattern) for pattern in skipped.split())
    patterns = re.findall(r"^    ~(\^\S+) 0;$", text("nginx.conf"), re.MULTILINE)
    assert any(re.match(pattern, address) for pattern in patterns)
    assert not any(re.match(pattern, "/join") for pattern in patterns)


def test_our_own_server_writes_no_log_of_what_was_asked_for() -> None:
    served = (ROOT / "fediverse_support/cli/children.py").read_text(encoding="utf-8")
    assert "access_log=False" in served and "log_config=None" in served
