"""A mail server for tests: takes what it is sent, or answers what a test wants it to."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, cast


@dataclass
class Taken:
    """A mail that was answered with yes."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return cast(EmailMessage, message_from_bytes(self.raw, policy=cast(Any, SMTP)))


@dataclass
class Mailbox:
    """Listens on a port of its own while it is open.

    `answers` maps a command, or `END` for the end of a mail, to what is answered instead of yes; None hangs
    up. `pause` is called before a mail is answered.
    """

    certificate: ssl.SSLContext | None = None
    is_sealed_at_once: bool = False
    login: tuple[str, str] | None = None
    answers: dict[str, str | None] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    pause: Callable[[], Any] | None = None
    port: int = 0
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Mailbox:
        context = self.certificate if self.is_sealed_at_once else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Talk(self, reader, writer).go_on()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass
class Talk:
    """One connection."""

    box: Mailbox
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str = ""
    recipients: list[str] = field(default_factory=list)

    async def say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def go_on(self) -> None:
        await self.say("220 mailbox")
        while line := await self.reader.readline():
            command = line.decode().strip()
            self.box.said.append(command)
            verb = command.partition(" ")[0].upper()
            if verb in self.box.answers:
                answer = self.box.answers[verb]
                if answer is None:
                    return
                await self.say(answer)
                continue
            if not await self.answer(verb, command):
                return

    async def answer(self, verb: str, command: str) -> bool:
        match verb:
            case "EHLO":
                offers = ["STARTTLS"] if self.box.certificate and not self.box.is_sealed_at_once else []
                offers += ["AUTH PLAIN"] if self.box.login else []
                for offer in ["mailbox", *offers]:
                    await self.say(f"250-{offer}")
                await self.say("250 SIZE 1000000")
            case "STARTTLS":
                await self.say("220 go on")
                await self.writer.start_tls(cast(ssl.SSLContext, self.box.certificate))
            case "AUTH":
                given = base64.b64decode(command.split()[-1]).decode().split("\0")[1:]
                await self.say("235 yes" if tuple(given) == self.box.login else "535 no")
            case "MAIL":
                self.sender = command.partition("<")[2].partition(">")[0]
                await self.say("250 yes")
            case "RCPT":
                self.recipients.append(command.partition("<")[2].partition(">")[0])
                await self.say("250 yes")
            case "DATA":
                return await self.take()
            case "QUIT":
                await self.say("221 bye")
                return False
            case _:
                await self.say("250 yes")
        return True

    async def take(self) -> bool:
        await self.say("354 go on")
        raw = (await self.reader.readuntil(b"\r\n.\r\n"))[: -len(b".\r\n")]
        if self.box.pause is not None:
            await self.box.pause()
        if "END" in self.box.answers:
            answer = self.box.answers["END"]
            if answer is not None:
                await self.say(answer)
            return answer is not None
        self.box.taken.append(Taken(self.sender, self.recipients, raw.replace(b"\r\n..", b"\r\n.")))
        self.recipients = []
        await self.say("250 yes")
        return True
