"""The grammar of the command line: every command with its options, and how wrong usage is said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final, NoReturn

from fediverse_support.domain.actors import ROLES
from fediverse_support.domain.moderation import SEVERITIES

PROGRAM: Final = "fediverse-support"
RULES: Final = {
    "allow": "let this server in where only listed servers are",
    "limit": "keep what comes from it out of public lists",
    "hold": "let a moderator see what comes from it first",
    "suspend": "let nothing through in either direction",
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print one sentence on stderr and leave."""
        sentence = message[:1].upper() + message[1:].rstrip(".")
        self.exit(2, f"{PROGRAM}: {sentence}. See `{self.prog} --help`.\n")


def complain(sentence: str, status: int = 1) -> int:
    """Print one sentence on stderr and return the exit status."""
    print(f"{PROGRAM}: {' '.join(sentence.split())}", file=sys.stderr)
    return status


def port(text: str) -> int:
    """Return a port number from what was typed."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; ports go from 1 to 65535")
    return int(text)


def count(text: str) -> int:
    """Return a whole number from 1 on from what was typed."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def change_of_roles(text: str) -> tuple[str, str]:
    """Return `+` or `-` and the role, from what was typed; `-` and nothing for `member`."""
    if text == "member":
        return ("-", "")
    if text[:1] not in ("+", "-") or text[1:] not in ROLES:
        known = ", ".join(ROLES)
        raise argparse.ArgumentTypeError(f"{text} is no role; say member, or + or - before one of {known}")
    return (text[0], text[1:])


def in_order(words: list[str]) -> list[str]:
    """Put a role that is taken away, such as `-admin`, behind all options, where it is not taken for one."""
    if words[:2] != ["account", "role"] or "--" in words:
        return words
    taken = [word for word in words if word[:1] == "-" and word[1:2] != "-" and word != "-h"]
    return [word for word in words if word not in taken] + ["--", *taken] if taken else words


def parser() -> Parser:
    """Return the whole grammar."""
    common = Parser(add_help=False)
    common.add_argument(
        "--config",
        metavar="FILE.toml",
        type=Path,
        default=argparse.SUPPRESS,
        help="settings, by the same names",
    )
    listing = Parser(add_help=False)
    listing.add_argument("--json", action="store_true", help="print JSON for programs")
    top = Parser(prog=PROGRAM, description="A federated home for support groups.", parents=[common])
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _servers(commands, common)
    _people(commands, common)
    _invitations(commands, common, listing)
    _rules(commands, common, listing)
    _questions(commands, common, listing)
    return top


def _servers(commands: argparse._SubParsersAction[Parser], common: Parser) -> None:
    serve = commands.add_parser("serve", parents=[common], help="run the server until Ctrl-C or SIGTERM")
    serve.add_argument("--host", metavar="H", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument(
        "--port", metavar="P", type=port, help="port to listen on (that of the base URL, or 8000)"
    )
    serve.add_argument(
        "--role", choices=("all", "web", "worker"), default="all", help="which processes to run"
    )
    demo = commands.add_parser("demo", parents=[common], help="serve with two groups and a few people to try")
    demo.add_argument("--port", metavar="P", type=port, help="port on 127.0.0.1 (8000)")
    migrate = commands.add_parser("migrate", parents=[common], help="bring the database's schema up to date")
    migrate.add_argument("--check", action="store_true", help="only say what would run")
    world = commands.add_parser(
        "world", parents=[common], help="two instances that talk, and what crossed between them"
    )
    world.add_argument(
        "--port", metavar="P", type=port, default=8100, help="first of three ports on 127.0.0.1 (8100)"
    )
    commands.add_parser(
        "doctor", parents=[common], help="check settings, database, disk, mail, clock, own address"
    )


def _people(commands: argparse._SubParsersAction[Parser], common: Parser) -> None:
    account = commands.add_parser("account", help="logins").add_subparsers(
        dest="what", metavar="create|token|reset|role", required=True
    )
    create = account.add_parser("create", parents=[common], help="make a login with its first person")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--email", metavar="E")
    create.add_argument("--role", choices=("member", "moderator", "admin"), default="member")
    create.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    token = account.add_parser("token", parents=[common], help="print an access token of the client API")
    token.add_argument("name", metavar="NAME")
    token.add_argument(
        "--as", dest="person", metavar="PERSON", help="another of its names (default: that without a group)"
    )
    token.add_argument("--scopes", default="read write follow push admin:read admin:write", metavar='"S ..."')
    reset = account.add_parser(
        "reset", parents=[common], help="print an address for a new password, good once and for 24 hours"
    )
    reset.add_argument("name", metavar="NAME")
    role = account.add_parser("role", parents=[common], help="give or take a role in our team")
    role.add_argument("name", metavar="NAME")
    role.add_argument(
        "role", metavar="ROLE", type=change_of_roles,
        help="+ or - before moderator, admin, safety-lead or deputy; member takes all of them away",
    )  # fmt: skip
    group = commands.add_parser("group", help="groups").add_subparsers(
        dest="what", metavar="create", required=True
    )
    new = group.add_parser("create", parents=[common], help="open a group")
    new.add_argument("name", metavar="NAME")
    new.add_argument("--title", required=True, metavar="T")
    new.add_argument("--kind", required=True, choices=("home", "home-open", "circle", "open"))
    new.add_argument("--summary", default="", metavar="S")
    new.add_argument(
        "--moderator", action="append", default=[], metavar="NAME", help="may be given several times"
    )
    new.add_argument("--language", metavar="xx", help="that of the house, unless given")


def _invitations(commands: argparse._SubParsersAction[Parser], common: Parser, listing: Parser) -> None:
    invite = commands.add_parser("invite", help="invitations to this server").add_subparsers(
        dest="what", metavar="create|list|revoke", required=True
    )
    create = invite.add_parser("create", parents=[common], help="print an address under which people join")
    create.add_argument("--uses", type=count, default=1, metavar="N", help="for so many people (1)")
    create.add_argument("--days", type=count, default=14, metavar="D", help="good for so many days (14)")
    invite.add_parser("list", parents=[common, listing], help="print those that are still good")
    revoke = invite.add_parser("revoke", parents=[common], help="let one be good no more")
    revoke.add_argument("code", metavar="CODE", help="its address, its code, or the five letters of the list")


def _rules(commands: argparse._SubParsersAction[Parser], common: Parser, listing: Parser) -> None:
    domain = commands.add_parser("domain", help="rules about other servers").add_subparsers(
        dest="what", metavar="list|allow|limit|hold|suspend|clear", required=True
    )
    domain.add_parser("list", parents=[common, listing], help="print every rule")
    for severity in SEVERITIES:
        rule = domain.add_parser(severity, parents=[common], help=RULES[severity])
        rule.add_argument("domain", metavar="DOMAIN")
        rule.add_argument("--reason", default="", metavar="R", help="shown to staff beside the rule")
        rule.add_argument("--private-note", default="", metavar="N", help="for moderators only")
        rule.add_argument("--wide", action="store_true", help="yes, also for a domain such as org or co.uk")
    clear = domain.add_parser("clear", parents=[common], help="take the rule back")
    clear.add_argument("domain", metavar="DOMAIN")


def _questions(commands: argparse._SubParsersAction[Parser], common: Parser, listing: Parser) -> None:
    settings = commands.add_parser("settings", help="what the organisation decides").add_subparsers(
        dest="what", metavar="list|get|set", required=True
    )
    settings.add_parser("list", parents=[common, listing], help="print what holds, and where it comes from")
    get = settings.add_parser("get", parents=[common], help="print one value")
    get.add_argument("key", metavar="KEY")
    put = settings.add_parser("set", parents=[common], help="decide; in force at once, in every process")
    put.add_argument("key", metavar="KEY")
    put.add_argument("value", metavar="VALUE")
    queue = commands.add_parser("queue", help="what waits, per host").add_subparsers(
        dest="what", metavar="status|retry|clear", required=True
    )
    queue.add_parser("status", parents=[common, listing], help="print what waits, is parked or was refused")
    retry = queue.add_parser("retry", parents=[common], help="try again now")
    retry.add_argument("--host", metavar="H", help="only for this host")
    clear = queue.add_parser("clear", parents=[common], help="forget what was refused or given up")
    clear.add_argument("--host", metavar="H", help="only for this host")
    explain = commands.add_parser(
        "explain", parents=[common, listing], help="tell the way of one activity or post"
    )
    explain.add_argument("uri", metavar="URI")
    explain.add_argument(
        "--bytes", action="store_true", help="print the stored bytes, too: they may hold what somebody wrote"
    )
