"""From what was typed to what happens: settings, the right function, the exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Final

from fediverse_support import settings
from fediverse_support.cli import grammar
from fediverse_support.settings import Settings, SettingsError

Command = Callable[[argparse.Namespace, Settings], int]


def run(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status; errors are one sentence on stderr."""
    try:
        typed = grammar.parser().parse_args(grammar.in_order(arguments))
        if not _is_text(typed):
            return grammar.complain("What was typed is not UTF-8 text.", 2)
        command = _command(typed)
        _adapt_environment(typed)
        return command(typed, settings.load(config=getattr(typed, "config", None)))
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except SettingsError as error:
        return grammar.complain(str(error), 2)
    except KeyboardInterrupt:
        return grammar.complain("Stopped.", 1)
    except BrokenPipeError:
        # Whoever read our output has heard enough; keep Python from complaining about it while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _is_text(typed: argparse.Namespace) -> bool:
    """Say whether every word can be stored; bytes that are no UTF-8 arrive as lone surrogates."""
    said = (one for value in vars(typed).values() for one in (value if isinstance(value, list) else [value]))
    return not any(settings.SURROGATE.search(one) for one in said if isinstance(one, str))


def _adapt_environment(typed: argparse.Namespace) -> None:
    from fediverse_support.cli import serving

    if typed.command in ("serve", "demo"):
        serving.set_base_url(os.environ, typed.port, getattr(typed, "config", None))


def _command(typed: argparse.Namespace) -> Command:
    name = f"{typed.command} {typed.what}" if "what" in typed else typed.command
    module_name, function = TABLE[name]
    from importlib import import_module

    command: Command = getattr(import_module(f"fediverse_support.cli.{module_name}"), function)
    return command


# Modules by name, because each is imported only when its command is typed.
TABLE: Final[dict[str, tuple[str, str]]] = {
    "serve": ("serving", "serve"),
    "demo": ("serving", "demo"),
    "migrate": ("upkeep", "migrate"),
    "doctor": ("doctor", "doctor"),
    "world": ("world", "world"),
    "account create": ("accounts", "create_account"),
    "account token": ("accounts", "create_token"),
    "account reset": ("accounts", "reset_password"),
    "account role": ("accounts", "change_role"),
    "invite create": ("accounts", "create_invitation"),
    "invite list": ("accounts", "list_invitations"),
    "invite revoke": ("accounts", "revoke_invitation"),
    "group create": ("groups", "create_group"),
    "domain list": ("moderation", "list_rules"),
    "domain allow": ("moderation", "set_rule"),
    "domain limit": ("moderation", "set_rule"),
    "domain hold": ("moderation", "set_rule"),
    "domain suspend": ("moderation", "set_rule"),
    "domain clear": ("moderation", "clear_rule"),
    "settings list": ("house", "list_settings"),
    "settings get": ("house", "get_setting"),
    "settings set": ("house", "set_setting"),
    "queue status": ("exchange", "queue_status"),
    "queue retry": ("exchange", "queue_retry"),
    "queue clear": ("exchange", "queue_clear"),
    "explain": ("exchange", "explain"),
}
