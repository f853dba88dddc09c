"""`account`: logins and their tokens."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys

from fediverse_support.actions.accounts import accounts, invitations, passwords, roles
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.cli.grammar import complain
from fediverse_support.cli.running import print_json, print_table, settled, with_database
from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import ROLES
from fediverse_support.reads import accounts as known
from fediverse_support.settings import Settings


def create_account(typed: argparse.Namespace, settings: Settings) -> int:
    """Make a login.

    Without --password-stdin ask for the password, or make one up where nobody can be asked.
    """
    try:
        password, is_made_up = _password(typed.password_stdin)
    except (UnicodeDecodeError, EOFError):
        return complain("There is no password on standard input, or it is not UTF-8 text.")
    if password is None:
        return complain("The two passwords differ.")

    async def work(db: Db) -> int:
        instance = await settled(db, settings)
        await accounts.create_account(
            db,
            instance,
            name=typed.name,
            password=password,
            hash_password=Passwords().hash,
            secret=load_secret(settings.data_dir),
            email=typed.email,
            roles=[role for role in ROLES if role == typed.role],
        )
        print(f"{typed.name.strip().lower()}@{instance.host} can sign in.")
        if is_made_up:
            print(f"Password: {password}")
        return 0

    return with_database(settings, work)


def _password(from_stdin: bool) -> tuple[str | None, bool]:
    if from_stdin:
        line = sys.stdin.buffer.readline()
        if not line:
            raise EOFError
        return line.decode().rstrip("\r\n"), False
    if not sys.stdin.isatty():
        return secrets.token_urlsafe(15), True
    first = getpass.getpass("Password (empty: one is made up): ")
    if not first:
        return secrets.token_urlsafe(15), True
    return (first if getpass.getpass("The same again: ") == first else None), False


def create_token(typed: argparse.Namespace, settings: Settings) -> int:
    """Print one access token and nothing else."""

    async def work(db: Db) -> int:
        scopes = tuple(typed.scopes.split())
        print(await accounts.create_token(db, typed.name, scopes, person=typed.person))
        return 0

    return with_database(settings, work)


def reset_password(typed: argparse.Namespace, settings: Settings) -> int:
    """Print the address under which somebody chooses a new password, and nothing else."""

    async def work(db: Db) -> int:
        print(await passwords.offer_reset(db, await settled(db, settings), typed.name))
        return 0

    return with_database(settings, work)


def change_role(typed: argparse.Namespace, settings: Settings) -> int:
    """Give an account a role in our team, or take one or all of them away."""
    sign, word = typed.role
    meant = [role for role in ROLES if word in ("", role)]

    async def work(db: Db) -> int:
        has = await roles.change_roles(
            db, None, typed.name, gives=meant if sign == "+" else (), takes=meant if sign == "-" else ()
        )
        print(f"{typed.name.strip().lower()}: {', '.join(sorted(has)) or 'member'}.")
        return 0

    return with_database(settings, work)


def create_invitation(typed: argparse.Namespace, settings: Settings) -> int:
    """Print the address of an invitation and nothing else."""

    async def work(db: Db) -> int:
        instance = await settled(db, settings)
        print(await invitations.create(db, instance, uses=typed.uses, days=typed.days))
        return 0

    return with_database(settings, work)


def list_invitations(typed: argparse.Namespace, settings: Settings) -> int:
    """Print the invitations that are still good, each by its first five letters."""

    async def work(db: Db) -> int:
        async with db.connection() as conn:
            found = await known.list_invitations(conn, db.now())
        if typed.json:
            print_json(found)
        else:
            rows = [(one.code_hint, one.uses_left, one.ends_on, one.by) for one in found]
            print_table(("CODE", "USES LEFT", "ENDS ON", "BY"), rows)
        return 0

    return with_database(settings, work)


def revoke_invitation(typed: argparse.Namespace, settings: Settings) -> int:
    """Let an invitation be good no more."""

    async def work(db: Db) -> int:
        print(f"The invitation {await invitations.revoke(db, typed.code)} is good no more.")
        return 0

    return with_database(settings, work)
