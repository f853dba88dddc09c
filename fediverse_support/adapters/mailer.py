"""Mails leave here: by SMTP, or as files in a folder where no mail server is set.

Handed to errands only. A mail has the same `Message-ID`, date and file name at every try. Once a server has
said yes, that is noted on our disk before anything else, and a mail with a note is not sent again: what can
still arrive twice is one whose yes was lost on its way to us, or came at the very moment we were killed.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPAuthenticationError, SMTPException, SMTPRecipientRefused, SMTPRecipientsRefused

from fediverse_support.domain.mails import Mail, parse_address
from fediverse_support.settings import Settings

SENDER: Final = "Messages"
"""Whoever looks over a shoulder learns nothing from it."""
PORTS: Final = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
SECONDS: Final = 20.0
"""So long one answer of a mail server is waited for."""
# Python breaks a long address into encoded words to fold it, which mail programs do not read as an address.
LONGEST_LINE: Final = 998
POLICY: Final = SMTP.clone(max_line_length=LONGEST_LINE)


class MailProblem(Exception):
    """A mail could not be sent now; `code` is said in logs, which never name an address.

    Where `of_all`, no other mail could have been sent either.
    """

    def __init__(self, code: str, *, of_all: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.of_all = of_all


class AddressRefused(Exception):
    """There is nobody at this address, says who must know; `code` says no more."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Mailer(Protocol):
    """Sends mails, one at a time."""

    async def send(self, mail: Mail) -> None:
        """Send a mail, unless it is known to be sent. Raises `MailProblem` and `AddressRefused`."""

    def forget(self, mail: Mail) -> None:
        """Forget that a mail was sent; nobody will ask for it again."""

    async def check(self) -> str:
        """Return one sentence about where mails go. Raises `MailProblem`."""


def mailer(settings: Settings) -> Mailer:
    """Return the way by which mails leave this installation."""
    name = urlsplit(settings.base_url).hostname or "localhost"
    if settings.smtp_url is None:
        return Folder(settings.data_dir / "outbox", sender=f"mail@{name}")
    return MailServer.of(settings.smtp_url, settings, name)


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Write a mail out. Raises `AddressRefused` for what is not one recipient."""
    to = parse_address(mail.to)
    if to is None:
        raise AddressRefused("bad_address")
    name, _, domain = sender.rpartition("@")
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(SENDER, name, domain)
    message["To"] = Address("", *to.rsplit("@", 1))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.written_at)
    message["Message-ID"] = f"<{mail.key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="7bit" if _is_plain(mail.text) else "quoted-printable")
    return message


def _is_plain(text: str) -> bool:
    return text.isascii() and all(len(line) <= LONGEST_LINE for line in text.splitlines())


@dataclass(frozen=True, slots=True)
class Folder:
    """One file for each mail, named so that they sort by time, which only their owner may read."""

    directory: Path
    sender: str

    async def send(self, mail: Mail) -> None:
        """Write the file, whole or not at all."""
        content = bytes(compose(mail, self.sender))
        name = f"{mail.written_at:%Y%m%dT%H%M%S.%fZ}-{mail.key}.eml"
        try:
            _write(self.directory, name, content)
        except OSError as error:
            raise MailProblem("folder") from error

    def forget(self, mail: Mail) -> None:
        """Keep the file: whoever reads it takes it away."""

    async def check(self) -> str:
        """Say where the files are."""
        place = self.directory if self.directory.exists() else self.directory.parent
        if not os.access(place, os.W_OK):
            raise MailProblem("folder")
        return f"no SMTP_URL: mails are written to {self.directory.absolute()}, one file each"


def _write(directory: Path, name: str, content: bytes) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = directory / f".{name}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(directory / name)
    _settle(directory)


def _settle(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that takes mails by SMTP. `notes` is the folder in which is noted what it took."""

    host: str
    port: int
    scheme: str
    sender: str
    notes: Path
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = None

    @classmethod
    def of(cls, url: str, settings: Settings, name: str) -> MailServer:
        """Read the address of a server. Where we sign in there with a mail address, that is the sender."""
        parts = urlsplit(url)
        user = None if parts.username is None else unquote(parts.username)
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or PORTS[parts.scheme],
            scheme=parts.scheme,
            sender=parse_address(user or "") or f"mail@{name}",
            notes=settings.data_dir / "mails-taken",
            user=user,
            password=None if parts.password is None else unquote(parts.password),
            context=None if parts.scheme == "smtp" else _context(settings.ssl_cert_file),
        )

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server, and note that it was taken."""
        message = compose(mail, self.sender)
        if (self.notes / mail.key).exists():
            return
        client = await self._opened()
        try:
            await client.send_message(message, sender=self.sender, recipients=[str(message["To"])])
            with contextlib.suppress(OSError):  # it is sent, be there room for a note or not
                _write(self.notes, mail.key, b"")
        except (SMTPException, OSError) as error:
            raise _why(error) from error
        finally:
            await _hang_up(client)

    def forget(self, mail: Mail) -> None:
        """Take the note away."""
        (self.notes / mail.key).unlink(missing_ok=True)

    async def check(self) -> str:
        """Reach the server, sign in where we would, and send nothing."""
        client = await self._opened()
        await _hang_up(client)
        return f"the mail server {self.host}:{self.port} takes mails of {self.sender}"

    async def _opened(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self.host, port=self.port, timeout=SECONDS,
            use_tls=self.scheme == "smtps", start_tls=self.scheme == "smtp+starttls",
            tls_context=self.context, username=self.user, password=self.password,
            local_hostname=self.sender.rpartition("@")[2],
        )  # fmt: skip
        try:
            await client.connect()
        except (SMTPException, OSError) as error:
            client.close()
            raise _why(error) from error
        return client


def _context(certificates: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=None if certificates is None else str(certificates))


async def _hang_up(client: aiosmtplib.SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError):
        await client.quit(timeout=2.0)
    client.close()


def _why(error: Exception) -> MailProblem | AddressRefused:
    """Say what an error means. Of the words of a server, which may name somebody, only the code stays."""
    match error:
        case SMTPRecipientsRefused(recipients=[SMTPRecipientRefused(code=code), *_]) if code >= 500:
            return AddressRefused(f"smtp_{code}")
        case SMTPRecipientsRefused(recipients=[SMTPRecipientRefused(code=code), *_]):
            return MailProblem(f"smtp_{code}", of_all=False)
        case SMTPAuthenticationError(code=code):
            return MailProblem(f"sign_in_{code}")
        case aiosmtplib.SMTPDataError(code=code):
            return MailProblem(f"smtp_{code}", of_all=False)
        case aiosmtplib.SMTPResponseException(code=code):
            return MailProblem(f"smtp_{code}")
        case aiosmtplib.SMTPTimeoutError():
            return MailProblem("timeout")
        case aiosmtplib.SMTPNotSupported():
            return MailProblem("not_offered")
        case ssl.SSLError():
            return MailProblem("tls")
        case aiosmtplib.SMTPConnectError(__cause__=ssl.SSLError()):
            return MailProblem("tls")
        case SMTPException() if type(error) is SMTPException:  # the library has no type for it
            return MailProblem("not_offered")
        case _:
            return MailProblem("unreachable")
