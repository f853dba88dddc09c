"""Posts: every member bounded, faulty ones dropped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from federation import reading
from federation.errors import Malformed
from federation.uris import Uri
from federation.vocab import (
    Hashtag,
    Unsupported,
)
from tests.unit.federation.samples import ADA, GROUP, IO, PARENT, POST, activity, code_of, note, post


class TestPost:
    @pytest.mark.parametrize("content", [None, 5, ["x"], {}])
    def test_faulty_content_is_empty(self, content: object) -> None:
        assert post(content=content).content == ""

    def test_content_above_64_kib_is_refused(self) -> None:
        assert post(content="x" * 65_536).content == "x" * 65_536
        assert code_of(note(content="x" * 65_537)) == "content_too_long"
        assert code_of(note(content="ü" * 40_000)) == "content_too_long"

    def test_content_can_come_from_the_only_translation(self) -> None:
        assert post(content=None, contentMap={"de": "Hallo"}).content == "Hallo"
        assert post(contentMap={"de": "Hallo"}).language == "de"
        both = {"de": "<p>Hallo</p>", "en": "<p>Hello</p>"}
        assert post(content="<p>Hello</p>", contentMap=both).language == "en"
        assert post(content="<p>Hallo</p>", contentMap=both).language == "de"
        assert post(content="<p>else</p>", contentMap=both).language == "de"
        shown = post(content=None, contentMap=both)
        assert (shown.content, shown.language) == ("<p>Hallo</p>", "de")
        assert post(contentMap={"en": None, "de": "x"}).language == "de"
        assert post(contentMap={"not a language": "<p>Hi</p>"}).language is None
        assert post(contentMap={f"x{n}": "y" for n in range(900)}).content == "<p>Hi</p>"

    @pytest.mark.parametrize(
        ("tag", "language"),
        [
            ("EN", "en"),
            ("pt-BR", "pt-BR"),
            ("und", None),
            ("../../etc", None),
            ("", None),
            (5, None),
            ("x" * 99, None),
        ],
    )
    def test_a_language_is_a_short_tag(self, tag: object, language: str | None) -> None:
        assert post(language={"identifier": tag}).language == language
        assert post(language=tag).language == language

    def test_a_title_is_one_plain_line_of_200_characters(self) -> None:
        assert post(name="a\nb\u202e" + "c" * 100_000).title == "a b" + "c" * 197
        assert post(name=["x"]).title == ""

    def test_a_reply_has_no_title(self) -> None:
        assert post(name="Re: hello", inReplyTo=PARENT).title == ""
        assert post(name="Re: hello", inReplyTo={"id": PARENT}).in_reply_to == PARENT

    def test_of_several_parents_the_first_five_are_kept(self) -> None:
        named = [PARENT, {"id": IO}, PARENT, POST, None, 7, "as:Public"]
        assert post(inReplyTo=named).parents == (PARENT, IO)
        assert len(post(inReplyTo=[f"{PARENT}/{n}" for n in range(100)]).parents) == 5

    def test_a_warning_written_before_the_title_is_taken_off_again(self) -> None:
        assert post(name="[CW: sleep] Third night", summary="sleep").title == "Third night"
        assert post(name="[CW: sleep] Third night", summary="other").title == "[CW: sleep] Third night"
        assert post(name="[CW: sleep] Third night").title == "[CW: sleep] Third night"
        warned = post(name=f"[CW: {'w' * 300}] {'t' * 200}", summary="w" * 300)
        assert (warned.title, warned.warning) == ("t" * 200, "w" * 300)

    def test_an_excerpt_is_no_warning(self) -> None:
        assert post(type="Article", summary="An excerpt").warning == ""
        assert post(type="Article", summary="Heavy", sensitive=True).warning == "Heavy"
        assert post(summary="Heavy").warning == "Heavy"

    def test_only_markdown_is_a_source(self) -> None:
        assert post(source={"content": "*a*", "mediaType": "text/markdown"}).source == "*a*"
        others: tuple[object, ...] = (
            "*a*",
            {"content": "[b]", "mediaType": "text/bbcode"},
            {"mediaType": "text/markdown"},
            [],
            5,
        )
        for other in others:
            assert post(source=other).source is None
        assert post(source={"content": "x" * 70_000, "mediaType": "text/markdown"}).source is None

    def test_a_page_on_another_host_is_no_link_to_the_post(self) -> None:
        assert post(url="https://masto.example/@io/1").url == "https://masto.example/@io/1"
        assert post(url="https://honest.example/@io/1").url is None
        links = [
            {"type": "Link", "mediaType": "application/x-mpegURL", "href": "https://masto.example/x.m3u8"},
            {"type": "Link", "mediaType": "text/html", "href": "https://masto.example/w/1"},
        ]
        assert post(url=links).url == "https://masto.example/w/1"

    def test_a_strange_time_is_no_time(self) -> None:
        assert post(published="yesterday").published is None
        assert post(published="2030-01-01T00:00:00Z").published == datetime(2030, 1, 1, tzinfo=UTC)

    def test_tags_are_bounded_and_faulty_ones_dropped(self) -> None:
        tags = [
            {"type": "Mention", "href": GROUP, "name": "@sleepless\u202e"},
            {"type": "Mention", "href": GROUP},
            {"type": "Mention", "href": "javascript:alert(1)"},
            {"type": "Hashtag", "name": "#Sleep", "href": "https://masto.example/tags/Sleep"},
            {"type": "Hashtag", "name": "#<img src=x>"},
            {"type": "Hashtag", "name": ""},
            {"type": "Emoji", "name": ":<img src=x onerror=alert(1)>:"},
            "plain",
            7,
        ]
        read = post(tag=tags)
        assert [(mention.href, mention.name) for mention in read.mentions] == [(GROUP, "@sleepless")]
        assert read.hashtags == (Hashtag("sleep", Uri("https://masto.example/tags/Sleep")),)
        assert len(post(tag=[{"type": "Hashtag", "name": f"#t{n}"} for n in range(900)]).hashtags) == 64
        assert post(tag=tags[0]).mentions[0].href == GROUP

    def test_attachments_are_bounded_and_faulty_ones_dropped(self) -> None:
        image = {
            "type": "Image",
            "url": [{"type": "Link", "href": "https://cdn.example/a.webp", "mediaType": "image/webp"}],
            "name": "A window\x00",
            "width": -1,
            "height": 2**63,
            "blurhash": "x" * 100_000,
            "focalPoint": ["a"],
        }
        (read,) = post(attachment=image).attachments
        assert (read.url, read.media_type, read.alt) == (
            "https://cdn.example/a.webp",
            "image/webp",
            "A window",
        )
        assert (read.width, read.height) == (None, None)
        wrong = [
            {"type": "Image", "url": "data:x"},
            {"type": "Script", "url": IO},
            {"url": IO},
            "x",
            [image],
            {},
        ]
        assert post(attachment=wrong).attachments == ()
        assert len(post(attachment=[image] * 900).attachments) == 16
        assert post(attachment={**image, "mediaType": "x" * 1_000_000}).attachments[0].media_type == ""
        assert post(attachment={"type": "Link", "href": IO}).attachments[0].kind == "Link"

    def test_a_poll_is_bounded(self) -> None:
        option = {"type": "Note", "name": "x" * 5_000, "replies": {"totalItems": 2**62}}
        read = post(type="Question", oneOf=[option] * 50, endTime="2030-01-01T00:00:00Z")
        assert (len(read.choices), len(read.choices[0].name), read.choices[0].votes) == (10, 200, 2**31 - 1)
        odd = post(
            type="Question",
            anyOf=["x", {}, {"name": "Tea", "replies": 5}, {"name": "B", "replies": {"totalItems": -1}}],
        )
        assert [(choice.name, choice.votes) for choice in odd.choices] == [("Tea", 0), ("B", 0)]
        assert post(oneOf=[option]).choices == ()

    def test_a_vote_is_no_reply(self) -> None:
        vote: dict[str, object] = {
            "id": POST,
            "type": "Note",
            "attributedTo": IO,
            "name": "Tea",
            "inReplyTo": PARENT,
            "to": [ADA],
        }
        assert reading.read_object(vote) == Unsupported(type="Note", why="vote", id=Uri(POST))
        created = reading.read(activity(object=vote))
        assert isinstance(created, Unsupported)
        assert created.why == "vote"
        with pytest.raises(Malformed, match="vote"):
            reading.read_post(vote)
