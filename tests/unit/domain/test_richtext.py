"""What becomes of HTML that we do not show as it is, and of characters that nobody can read."""

from __future__ import annotations

import unicodedata

import pytest

from fediverse_support.domain import plaintext, richtext
from fediverse_support.domain.richtext import SafeHtml

LONG = (
    "<h1>Titel</h1><p>eins</p><h5>Klein</h5><h6>Kleiner</h6><div>eins</div><div>zwei</div>"
    "<table><tr><td>a1</td><td>b1</td></tr><tr><td>a2</td><td>b2</td></tr></table>"
    "<dl><dt>word</dt><dd>meaning</dd></dl>"
    "<p>I am <strike>not</strike> coming, 10<sup>2</sup>, H<sub>2</sub>O</p>"
    '<p><img src="https://x.example/a.png" alt="A cat asleep"></p><section>s1</section><article>s2</article>'
)


def test_blocks_and_strike_keep_their_meaning_and_no_word_is_glued_to_the_next() -> None:
    shown = richtext.clean(LONG)
    assert "<h2>Titel</h2>" in shown and "<h4>Klein</h4><h4>Kleiner</h4>" in shown
    assert "I am <s>not</s> coming, 10<sup>2</sup>, H<sub>2</sub>O" in shown
    assert "A cat asleep" in shown and "<img" not in shown
    assert richtext.plain(shown).split("\n") == [
        "Titel", "eins", "Klein", "Kleiner", "eins", "zwei", "a1 b1", "a2 b2", "word", "meaning",
        "I am not coming, 102, H2O", "A cat asleep", "s1", "s2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<div><p>a</p><div>b<ul><li>c</li></ul></div></div>", "<p>a</p><p>b</p><ul><li>c</li></ul>"),
        ("<p><q>a</q> <kbd>b</kbd> <mark>c</mark> <small>d</small> <ins>e</ins></p>", None),
        ("<ruby>a<rt>b</rt></ruby>", None),
        ("<div></div><p></p>", ""),
        ('<img alt="5 > 4 &amp; &lt;b&gt;&quot;">', "5 &gt; 4 &amp; &lt;b&gt;\""),
        ('<img alt="<script>x</script>">', "&lt;script&gt;x&lt;/script&gt;"),
        ("<img src=x onerror=y>", ""),
        ("<center>a</center><strike>b</strike>", "<p>a</p><s>b</s>"),
    ],
)
def test_what_is_not_ours_becomes_the_nearest_that_is(given: str, shown: str | None) -> None:
    assert richtext.clean(given) == (given if shown is None else shown)
    assert richtext.clean(richtext.clean(given)) == richtext.clean(given)


@pytest.mark.parametrize(
    "href",
    ["about", "../admin/servers", "./x", "//evil.example", " //evil.example", "/\\evil.example", "\\\\evil",
     "?done=left", "#p1", "", "https:evil.example", "https:/evil.example", "javascript:x", "data:x", "@x"],
)  # fmt: skip
def test_a_link_that_is_not_whole_leads_nowhere(href: str) -> None:
    assert "href" not in richtext.clean(f'<a href="{href}">here</a>')


@pytest.mark.parametrize("href", ["https://far.example/a?b=c", "http://far.example", "mailto:a@far.example"])
def test_a_whole_link_stays(href: str) -> None:
    assert f'href="{href}"' in richtext.clean(f'<a href="{href}">here</a>')


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("<p>Talk of <em>loss</em> &amp; grief</p>", "Talk of loss & grief"),
        ("<p>one</p><p>two</p>", "one two"),
        ('5 < 6 & "x"', '5 < 6 & "x"'),
        ("a <3 b > c", "a <3 b > c"),
        ("food &amp; drink", "food &amp; drink"),
        ("<script>x</script><b>y</b>", "y"),
    ],
)
def test_a_content_note_in_html_is_text_and_a_plain_one_stays_as_written(given: str, line: str) -> None:
    assert richtext.as_line(given, 200) == line


@pytest.mark.parametrize("text", ["a\x00b", "a\x07b", "a\x1bb", "a\x7fb", "a\x9bb"])
def test_control_characters_are_left_out(text: str) -> None:
    assert plaintext.tidy(text) == "ab"
    assert plaintext.one_line(f" {text}", 9) == "ab"


def test_lines_end_in_one_way_and_tabs_stay() -> None:
    assert plaintext.tidy("a\r\nb\rc\u2028d\u0085e\tf\n") == "a\nb\nc\nd\ne\tf\n"


@pytest.mark.parametrize("between", ["", "\u200d", "\u200c", "\ufeff"])
def test_a_letter_bears_a_few_marks_and_not_without_end(between: str) -> None:
    tower = "o" + between.join("\u0335\u0301\u0316\u0302" * 50) + "k"
    for tidied in (plaintext.tidy(tower), richtext.clean(f"<p>{tower}</p>"), richtext.from_markdown(tower),
                   richtext.clean(f"<p>o{'&#x301;' * 200}k</p>")):  # fmt: skip
        marks = [c for c in unicodedata.normalize("NFD", tidied) if unicodedata.category(c) == "Mn"]
        assert 0 < len(marks) <= plaintext.MAX_MARKS and "k" in tidied


@pytest.mark.parametrize(
    "text",
    ["Tiếng Việt", "שָׁלוֹם", "בְּרֵאשִׁ֖ית", "བརྒྱུད", "ที่นี่", "क्षत्रिय", "👩🏽‍❤️‍💋‍👩", "🏳️‍🌈", "é́"],
)
def test_what_people_really_write_stays(text: str) -> None:
    assert plaintext.tidy(text) == unicodedata.normalize("NFC", text)


def test_text_is_composed_and_markup_never_melts_into_it() -> None:
    assert plaintext.tidy("Gru\u0308\u00dfe") == "Gr\u00fc\u00dfe"
    assert richtext.clean("<p>\u0338a</p><p>b\u0301</p>") == "<p>\u0338a</p><p>b\u0301</p>"
    assert richtext.clean("<p>e\u0301</p>") == "<p>\u00e9</p>"


@pytest.mark.parametrize(
    ("title", "body", "shown"),
    [
        ("I am new here.", "<p>I am new here.</p>", "<p>I am new here.</p>"),
        ("I am new and…", "<p>I am new and glad.</p>", "<p>I am new and glad.</p>"),
        ("Tea", "<p>Team meeting.</p>", "<p><strong>Tea</strong></p><p>Team meeting.</p>"),
        ("Tea", "<p>Tea at four.</p>", "<p>Tea at four.</p>"),
        ("", "<p>x</p>", "<p>x</p>"),
        ("a < b", "<p>x</p>", "<p><strong>a &lt; b</strong></p><p>x</p>"),
    ],
)
def test_a_title_opens_a_text_that_does_not_begin_with_it(title: str, body: str, shown: str) -> None:
    assert richtext.with_title(title, SafeHtml(body)) == shown


def test_a_title_is_found_behind_much_markup() -> None:
    body = SafeHtml("<p>" + '<span class="invisible"></span>' * 200 + "Tea at four.</p>" + "<p>x</p>" * 1000)
    assert richtext.with_title("Tea", body) == body
