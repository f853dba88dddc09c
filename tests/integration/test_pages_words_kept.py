"""What was typed or chosen in a form is not lost with the session, whatever form it is."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx2
import pytest

from fediverse_support.db.pool import Db
from fediverse_support.web.pages import engine
from fediverse_support.web.pages.forms import CHOICES
from fediverse_support.web.words.sentences import KEPT
from tests.integration.site import FORM, PASSWORD, Site, make_site

pytestmark = pytest.mark.postgres

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
SHOWN = re.compile(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', re.S)
FIELD = re.compile(
    r"""\b(?:line|area|radio)\("(?P<macro>\w+)"|<(?:textarea|input)\b[^>]*?\bname="(?P<tag>[^"]+)\"[^>]*>"""
)
# No words of one's own: proof and keys, where something is found, and what is asked for before a session.
NOT_WORDS = {
    "token", "once", "to", "look", "back", "invite", "name", "password", "domain", "server", "uri",
}  # fmt: skip


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


def fields_of(path: Path) -> set[str]:
    """Return the fields of a template that people write or choose in."""
    found = FIELD.finditer(path.read_text())
    return {name for hit in found if "{" not in (name := hit["macro"] or hit["tag"])}


def test_every_field_of_every_form_is_kept_or_carried() -> None:
    fields = {name for path in engine.TEMPLATES.rglob("*.html") for name in fields_of(path)}
    assert {"told", "reason", "note", "body", "title", "warning", "severity"} <= fields
    assert fields - NOT_WORDS == KEPT.keys() | CHOICES.keys()


async def lose_session(browser: httpx2.AsyncClient, site: Site, path: str, **typed: str) -> httpx2.Response:
    """Send a form whose session is gone, and sign in as Asha on the page that answers."""
    token = site.sessions.form_token(await site.session("asha"))
    got = await browser.post(path, data={"token": token, **typed}, headers=FORM)
    assert got.status_code == 403
    form = {name: html.unescape(text) for name, text in HIDDEN.findall(got.text)}
    return await browser.post("/sign-in", data={**form, "name": "asha", "password": PASSWORD}, headers=FORM)


async def test_both_reasons_of_a_moderator_are_kept_when_the_session_is_lost(site: Site) -> None:
    post = await site.writes("wren", "Hello.", group="frontroom")
    path = f"/post/{post}/take-down"
    async with site.browser() as browser:
        again = await lose_session(browser, site, path, told="Names a real place.", reason="Third time.")
        shown = dict(SHOWN.findall(again.text))
        assert shown == {"told": "Names a real place.", "reason": "Third time."}
        form = {name: html.unescape(text) for name, text in HIDDEN.findall(again.text)}
        page = await browser.post(path, data={**form, **shown}, headers=FORM)
        assert page.status_code == 200 and dict(SHOWN.findall(page.text)) == shown
    assert await site.value("select standing from posts where id = $1", post) == "visible"


@pytest.mark.parametrize("path", ["/post/{post}/pause", "/mod/held/{post}"])
async def test_words_of_forms_with_several_buttons_come_back_to_copy(site: Site, path: str) -> None:
    post = await site.writes("wren", "Hello.", group="frontroom")
    field = "told" if "pause" in path else "reason"
    async with site.browser() as browser:
        typed = {field: "A rest for all.", "decision": "pause"}
        again = await lose_session(browser, site, path.format(post=post), **typed)
    assert "A rest for all." in again.text and "decision" not in again.text
    assert 'href="/mod/held"' in again.text if "held" in path else f'href="/post/{post}"' in again.text


async def test_a_rule_about_a_server_comes_back_with_what_was_chosen(site: Site) -> None:
    token = site.sessions.form_token(await site.session("tom"))
    path = "/admin/servers/quiet.example"
    typed = {"severity": "hold", "reason": "Adverts.", "note": "Ask them.", "decision": "set"}
    async with site.browser() as browser:
        got = await browser.post(path, data={"token": token, **typed}, headers=FORM)
        form = {name: html.unescape(text) for name, text in HIDDEN.findall(got.text)}
        form |= {"name": "tom", "password": PASSWORD}
        again = await browser.post("/sign-in", data=form, headers=FORM)
        back = {name: html.unescape(text) for name, text in HIDDEN.findall(again.text)}
        page = await browser.post(path, data={**back, **dict(SHOWN.findall(again.text))}, headers=FORM)
    assert 'value="hold" checked' in page.text
    assert 'value="Adverts."' in page.text and 'value="Ask them."' in page.text
    assert await site.value("select count(*) from domain_rules") == 0


async def test_what_a_report_is_about_travels_and_is_not_printed_as_a_word(site: Site) -> None:
    post = await site.writes("wren", "Hello.", group="frontroom")
    path = f"/post/{post}/tell-us"
    token = site.sessions.form_token(await site.session("asha"))
    async with site.browser() as browser:
        typed = {"token": token, "reason": "other", "body": "They sound lost."}
        got = await browser.post(path, data=typed, headers=FORM)
        assert "They sound lost.</p>" in got.text and ">other<" not in got.text
        again = await lose_session(browser, site, path, reason="other")
        form = {name: html.unescape(text) for name, text in HIDDEN.findall(again.text)}
        page = await browser.post(path, data=form, headers=FORM)
    assert 'value="other" checked' in page.text


async def test_words_of_somebody_else_are_covered_after_signing_in(site: Site) -> None:
    async with site.browser() as browser:
        again = await lose_session(browser, site, "/g/frontroom/write", body="Only for me.")
        assert "signed in again" not in again.text
        before, _, covered = again.text.partition("<details")
        assert "Only for me." not in before and "Only for me." in covered
        browser.cookies.delete("__Host-session")
        known = await lose_session(browser, site, "/g/frontroom/write", body="Only for me.")
        assert "You are signed in again" in known.text and "<details" not in known.text


async def test_an_invitation_is_not_lost_with_the_session(site: Site) -> None:
    async with site.browser() as browser:
        got = await lose_session(browser, site, "/g/frontroom/join", invite="abc.def", copies="1")
    assert got.headers["location"] == "/g/frontroom/join?invite=abc.def"
