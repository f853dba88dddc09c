"""`doctor`: looks at everything a healthy instance needs and says what is wrong, one line each."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from fediverse_support.adapters.mailer import MailProblem, mailer
from fediverse_support.adapters.secret_file import SecretProblem, load_secret
from fediverse_support.cli.house import SOURCES, shown
from fediverse_support.cli.running import KNOWN, database
from fediverse_support.db import migrate, readiness
from fediverse_support.db.pool import connect
from fediverse_support.domain.house import Setting
from fediverse_support.reads import house
from fediverse_support.reads.exchange import queues
from fediverse_support.reads.exchange.queues import Pulse
from fediverse_support.settings import Settings
from fediverse_support.store import retention

ENOUGH_DISK: Final = 500 * 1024 * 1024
SAID_ALWAYS: Final = frozenset({"federation", "registration"})
PATIENCE: Final = 5.0
MAIL_PROBLEMS: Final = {
    "folder": "no SMTP_URL, and the folder outbox in the data folder cannot be written to",
    "timeout": "the mail server does not answer in time",
    "tls": "nobody vouches for the mail server's certificate",
    "not_offered": "the mail server offers no STARTTLS, or no way to sign in",
    "unreachable": "the mail server cannot be reached",
    "sign_in_535": "the mail server does not take the name and password of SMTP_URL",
}
MOST_SKEW: Final = 30.0
"""Seconds; signatures of a clock that is further off will soon be refused by others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    is_good: bool
    subject: str
    sentence: str


def doctor(typed: argparse.Namespace, chosen: Settings) -> int:
    """Print what was found; status 1 when something is wrong."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _settings, _disk, _database, _kept, _mail, _address,
    )  # fmt: skip
    is_well = True
    for check in checks:
        for finding in check(chosen):
            print(
                f"{'ok   ' if finding.is_good else 'WRONG'} {finding.subject:<9} {finding.sentence}",
                flush=True,
            )
            is_well = is_well and finding.is_good
    return 0 if is_well else 1


def _settings(chosen: Settings) -> Iterator[Finding]:
    yield Finding(True, "settings", f"this instance is {chosen.base_url}")
    if chosen.allow_http or chosen.allowed_networks:
        yield Finding(True, "settings", "plain http or private networks are allowed: for development only")
    name = urlsplit(chosen.base_url).hostname or ""
    if chosen.base_url.startswith("http://") and name not in ("localhost", "127.0.0.1", "::1"):
        yield Finding(
            False, "settings", "the base URL is plain http on a public name; other servers need https"
        )
    try:
        load_secret(chosen.data_dir)
        mode = (chosen.data_dir / "secret.key").stat().st_mode & 0o077
        yield Finding(
            mode == 0, "secret", "the secret is private" if mode == 0 else "others may read secret.key"
        )
    except SecretProblem as error:
        yield Finding(False, "secret", str(error))


def _disk(chosen: Settings) -> Iterator[Finding]:
    try:
        free = shutil.disk_usage(chosen.data_dir).free
    except OSError as error:
        yield Finding(False, "disk", f"{chosen.data_dir} cannot be used: {error.strerror}")
        return
    megabytes = free // (1024 * 1024)
    yield Finding(free >= ENOUGH_DISK, "disk", f"{megabytes} MiB are free for {chosen.data_dir.absolute()}")


def _database(chosen: Settings) -> Iterator[Finding]:
    try:
        with database(chosen) as dsn:
            yield from asyncio.run(_asked(dsn, chosen))
    except KNOWN as error:
        yield Finding(False, "database", str(error))


async def _asked(dsn: str, chosen: Settings) -> list[Finding]:
    conn = await connect(dsn)
    try:
        version = await readiness.version_of(conn)
        todo = await migrate.pending(conn)
        theirs = await readiness.time_of(conn)
        pulse = None if todo else await queues.pulse(conn, theirs + chosen.clock_ahead)
        decided = [] if todo else await house.list_settings(conn, chosen.overrides)
    finally:
        await conn.close(timeout=2)
    skew = abs((theirs - datetime.now(UTC)).total_seconds())
    return [
        Finding(True, "database", f"PostgreSQL {version} answers"),
        Finding(not todo, "schema", "up to date" if not todo else f"waits for `migrate`: {', '.join(todo)}"),
        Finding(skew < MOST_SKEW, "clock", f"{skew:.1f} s apart from the database's"),
        *_work(pulse),
        *_decided(decided),
    ]


def _decided(settings: list[Setting]) -> Iterator[Finding]:
    """Say what holds, and by what, of what matters most; of the rest, what somebody chose."""
    for setting in settings:
        if setting.key in SAID_ALWAYS or setting.source != "default":
            value = shown(setting)
            yield Finding(True, "decided", f"{setting.key} is {value} ({SOURCES[setting.source]})")


def _work(pulse: Pulse | None) -> Iterator[Finding]:
    if pulse is None:
        return
    if not pulse.passes:
        yield Finding(True, "work", "no worker has run here yet")
        return
    yield from (Finding(False, "work", problem) for problem in pulse.problems)
    if not pulse.problems:
        newest = max(pulse.passes.values())
        yield Finding(True, "work", f"the workers got through at {newest:%Y-%m-%d %H:%M:%S}Z")


def _kept(chosen: Settings) -> Iterator[Finding]:
    for rule in retention.RULES:
        yield Finding(True, "kept", f"{_span(rule.kept_for)}: {rule.what}")


def _span(how_long: timedelta) -> str:
    hours, days = how_long // timedelta(hours=1), how_long // timedelta(days=1)
    if hours == 0:
        return "no longer"
    return f"{hours} h" if days < 2 else f"{days} days"


def _mail(chosen: Settings) -> Iterator[Finding]:
    if _is_readable_on_its_way(chosen.smtp_url):
        told = "SMTP_URL shows its password on the way; smtps:// and smtp+starttls:// do not"
        yield Finding(False, "mail", told)
    try:
        yield Finding(True, "mail", asyncio.run(mailer(chosen).check()))
    except MailProblem as problem:
        told = MAIL_PROBLEMS.get(problem.code, f"the mail server answers {problem.code}")
        yield Finding(False, "mail", told)
    except (OSError, ValueError) as error:
        yield Finding(False, "mail", f"SMTP_URL cannot be used: {type(error).__name__}")


def _is_readable_on_its_way(smtp_url: str | None) -> bool:
    parts = urlsplit(smtp_url or "")
    is_near = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return parts.scheme == "smtp" and parts.password is not None and not is_near


def _address(chosen: Settings) -> Iterator[Finding]:
    """Ask ourselves from outside, through the proxy if there is one, for the instance's own WebFinger."""
    host = chosen.instance.host
    url = f"{chosen.base_url}/.well-known/webfinger?resource=acct:{quote(f'{host}@{host}')}"
    context = ssl.create_default_context(cafile=_certificates(chosen.ssl_cert_file))
    request = urllib.request.Request(url, headers={"Accept": "application/jrd+json"})  # noqa: S310 (http or https)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:  # noqa: S310
            is_ours = chosen.instance.actor_uri.encode() in answer.read(65_536)
            date = answer.headers.get("date")
    except urllib.error.HTTPError as error:
        yield Finding(False, "address", f"{url} answers {error.code}; does the proxy pass this path on?")
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        yield Finding(False, "address", f"{chosen.base_url} cannot be reached from here: {reason}")
        return
    told = "its WebFinger is ours" if is_ours else f"{url} is answered, but by another instance"
    yield Finding(is_ours, "address", told)
    if date:
        skew = abs((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
        yield Finding(skew < MOST_SKEW, "clock", f"{skew:.0f} s apart from the web server's")


def _certificates(path: Path | None) -> str | None:
    return None if path is None else str(path)
