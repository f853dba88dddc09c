"""Mails: what they say of whom, to how many they go, and what each answer of a mail server means."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.adapters.mailer import AddressRefused, Mailer, MailProblem, compose, mailer
from fediverse_support.domain.mails import Mail, parse_address
from fediverse_support.settings import Settings
from tests.interop.authority import Certificates, certificates
from tests.mailbox import Mailbox

AT = datetime(2030, 5, 1, 12, 30, 5, tzinfo=UTC)
LETTER = Mail(
    key="4711", to="wren@mail.example", subject="You have a message", text="You have a message.\n",
    written_at=AT,
)  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    return certificates(tmp_path)


def serving(made: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    return context


def to(box: Mailbox, tmp_path: Path, scheme: str = "smtp", login: str = "", **more: Any) -> Mailer:
    url = f"{scheme}://{login}127.0.0.1:{box.port}"
    base = "https://support.example:8443"
    return mailer(Settings(base_url=base, data_dir=tmp_path / "var", smtp_url=url, **more))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("wren@mail.example", "wren@mail.example"), ("Wren.B+x@Mail.Example", "Wren.B+x@mail.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"), ("o'b@mail.example", "o'b@mail.example"),
        ("a%0abcc@mail.example", "a%0abcc@mail.example"), ("-oX@mail.example", "-oX@mail.example"),
        ("a@mail.example.", "a@mail.example"), ("a@mail.example\r\nBcc: x@evil.example", None),
        ("a@mail.example\n", None), ("\na@mail.example", None), ("a@mail.example,b@mail.example", None),
        ("a@mail.example;b@mail.example", None), ("Wren <a@mail.example>", None), ("<a@mail.example>", None),
        ('"a b"@mail.example', None), ("a@b@mail.example", None), ("a@", None), ("@mail.example", None),
        ("a", None), ("", None), ("a@mail", None), ("a@127.0.0.1", None), ("a@[127.0.0.1]", None),
        ("a@mail.example:25", None), ("a..b@mail.example", None), (".a@mail.example", None),
        ("wrén@mail.example", None), ("a" * 65 + "@mail.example", None),
        ("a@" + "x" * 64 + ".example", None), ("a@" + "x." * 130 + "example", None),
        ("a\x00@mail.example", None), ("a@mail..example", None), ("a@-mail.example", None),
        ("a@ mail.example", None),
    ],
)  # fmt: skip
def test_an_address_is_one_recipient_or_none(text: str, address: str | None) -> None:
    assert parse_address(text) == address


def test_a_mail_says_neither_who_writes_nor_about_what() -> None:
    message = compose(LETTER, "mail@support.example")
    assert dict(message.items()) == {
        "From": "Messages <mail@support.example>",
        "To": "wren@mail.example",
        "Subject": "You have a message",
        "Date": "Wed, 01 May 2030 12:30:05 +0000",
        "Message-ID": "<4711@support.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }
    assert not message.is_multipart() and message.get_content() == "You have a message.\n"


def test_a_mail_that_comes_again_and_again_can_be_stopped_with_one_press() -> None:
    page = Uri("https://support.example/stop/" + "k" * 120)
    message = compose(replace(LETTER, unsubscribe=page), "mail@support.example")
    raw = bytes(message).decode()
    assert f"List-Unsubscribe: <{page}>\r\n" in raw
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


@pytest.mark.parametrize("text", ["Grüße, ein Gruß.\n", "x" * 3000 + "\n", "a\n.\n..b\nFrom here\n"])
def test_no_line_is_longer_than_mail_servers_take_and_the_words_stay(text: str) -> None:
    raw = bytes(compose(replace(LETTER, text=text), "mail@support.example"))
    assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert compose(replace(LETTER, text=text), "mail@support.example").get_content() == text


@pytest.mark.parametrize(
    "part", [{"subject": "Hello\r\nBcc: x@evil.example"}, {"subject": "Hello\nX: y"},
             {"key": "1>\r\nBcc: x@evil.example"}, {"unsubscribe": Uri("https://a.example/\r\nBcc: x")}],
)  # fmt: skip
def test_no_header_can_be_smuggled_in(part: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        compose(replace(LETTER, **part), "mail@support.example")


def test_what_is_no_single_address_is_never_written_to() -> None:
    with pytest.raises(AddressRefused):
        compose(replace(LETTER, to="a@mail.example, b@mail.example"), "mail@support.example")


async def test_without_a_server_every_mail_is_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    way = mailer(Settings(data_dir=tmp_path))
    for second, key in ((7, "9"), (6, "10"), (6, "10")):  # the last one is tried again
        await way.send(replace(LETTER, key=key, written_at=AT.replace(second=second)))
    files = sorted((tmp_path / "outbox").iterdir())
    assert [path.name for path in files] == [
        "20300501T123006.000000Z-10.eml", "20300501T123007.000000Z-9.eml"
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "outbox").stat().st_mode & 0o777 == 0o700
    assert b"To: wren@mail.example\r\n" in files[0].read_bytes()
    assert str(tmp_path / "outbox") in await way.check()


async def test_a_folder_that_cannot_be_written_to_is_a_reason_to_try_later(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    with pytest.raises(MailProblem) as found:
        await mailer(Settings(data_dir=tmp_path)).send(LETTER)
    assert found.value.code == "folder" and found.value.of_all


async def test_a_server_gets_one_mail_for_one_recipient(tmp_path: Path) -> None:
    async with Mailbox() as box:
        await to(box, tmp_path).send(LETTER)
    [taken] = box.taken
    assert (taken.sender, taken.recipients) == ("mail@support.example", ["wren@mail.example"])
    assert taken.message["Message-ID"] == "<4711@support.example>"
    assert taken.raw.endswith(b"\r\n\r\nYou have a message.\r\n")
    assert box.said[0] == "EHLO support.example"


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_what_is_sealed_on_its_way_is_sealed_before_anything_is_said(
    tmp_path: Path, made: Certificates, scheme: str
) -> None:
    box = Mailbox(serving(made), is_sealed_at_once=scheme == "smtps", login=("post@club.example", "p:w/1 "))
    login = "post%40club.example:p%3Aw%2F1%20@"
    async with box:
        way = to(box, tmp_path, scheme, login, ssl_cert_file=made.authority)
        await way.send(LETTER)
        assert "takes mails of post@club.example" in await way.check()
    [taken] = box.taken
    assert taken.sender == "post@club.example"  # who signs in with an address writes from it
    if scheme == "smtp+starttls":
        assert [line.partition(" ")[0] for line in box.said[:4]] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_certificate_that_nobody_vouches_for_is_not_taken(
    tmp_path: Path, made: Certificates, scheme: str
) -> None:
    box = Mailbox(serving(made), is_sealed_at_once=scheme == "smtps", login=("u", "p"))
    async with box:
        with pytest.raises(MailProblem) as found:
            await to(box, tmp_path, scheme, "u:p@").send(LETTER)
    assert found.value.code == "tls"
    assert not any(line.startswith("AUTH") for line in box.said)


async def test_a_server_that_knows_no_starttls_gets_no_password(tmp_path: Path) -> None:
    async with Mailbox(login=("u", "p")) as box:
        with pytest.raises(MailProblem) as found:
            await to(box, tmp_path, "smtp+starttls", "u:p@").send(LETTER)
    assert found.value.code == "not_offered"
    assert not any(line.startswith("AUTH") for line in box.said)


@pytest.mark.parametrize(
    ("verb", "answer", "code", "of_all"),
    [
        ("MAIL", "451 wait", "smtp_451", True), ("MAIL", "550 you may not", "smtp_550", True),
        ("RCPT", "450 come back", "smtp_450", False), ("END", "451 wait", "smtp_451", False),
        ("END", "554 looks like spam", "smtp_554", False), ("EHLO", None, "unreachable", True),
        ("END", None, "unreachable", True), ("RCPT", None, "unreachable", True),
    ],
)  # fmt: skip
async def test_what_may_go_later_is_told_from_what_never_goes(
    tmp_path: Path, verb: str, answer: str | None, code: str, of_all: bool
) -> None:
    async with Mailbox(answers={verb: answer, "HELO": None} if verb == "EHLO" else {verb: answer}) as box:
        with pytest.raises(MailProblem) as found:
            await to(box, tmp_path).send(LETTER)
    assert (found.value.code, found.value.of_all, box.taken) == (code, of_all, [])
    assert "wren" not in str(found.value)


async def test_only_who_must_know_says_that_nobody_is_there(tmp_path: Path) -> None:
    async with Mailbox(answers={"RCPT": "550 no wren@mail.example here"}) as box:
        with pytest.raises(AddressRefused) as found:
            await to(box, tmp_path).send(LETTER)
    assert str(found.value) == "smtp_550"


async def test_a_wrong_password_and_a_dead_server_are_reasons_to_try_later(tmp_path: Path) -> None:
    async with Mailbox(login=("u", "p")) as box:
        way = to(box, tmp_path, "smtp", "u:wrong@")
        with pytest.raises(MailProblem) as found:
            await way.send(LETTER)
        assert found.value.code == "sign_in_535"
    for ask in (way.send(LETTER), way.check()):
        with pytest.raises(MailProblem) as found:
            await ask
        assert found.value.code == "unreachable"


async def test_what_a_server_took_is_not_sent_again_though_nobody_wrote_it_down(tmp_path: Path) -> None:
    async with Mailbox(answers={"QUIT": None}) as box:  # it hangs up after its yes
        await to(box, tmp_path).send(LETTER)
        await to(box, tmp_path).send(LETTER)
        assert len(box.taken) == 1
        await to(box, tmp_path).send(replace(LETTER, key="4712"))
        assert len(box.taken) == 2
        to(box, tmp_path).forget(LETTER)
        to(box, tmp_path).forget(LETTER)
        await to(box, tmp_path).send(LETTER)
        assert len(box.taken) == 3


async def test_what_was_cut_off_before_the_yes_is_sent_again_under_the_same_name(
    tmp_path: Path,
) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        reached.set()
        await never.wait()

    async with Mailbox(pause=pause) as box:
        sending = asyncio.create_task(to(box, tmp_path).send(LETTER))
        await reached.wait()
        sending.cancel()
        await asyncio.wait([sending])
        never.set()
        box.pause = None
        await to(box, tmp_path).send(LETTER)
    assert {taken.message["Message-ID"] for taken in box.taken} == {"<4711@support.example>"}


async def test_a_full_disk_makes_no_second_mail(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    async with Mailbox() as box:
        await to(box, tmp_path).send(LETTER)
    assert len(box.taken) == 1
