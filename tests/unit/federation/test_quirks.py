"""Repairs for particular software: each mends its case and leaves all others alone."""

from __future__ import annotations

import pytest

from federation import quirks
from federation.documents import Document

A, G = "https://peertube.example/accounts/tove", "https://peertube.example/video-channels/still"
PERSON, CHANNEL = {"type": "Person", "id": A}, {"type": "Group", "id": G}
HTML = {"mediaType": "text/html", "content": "<p>a &amp; b<br>c</p>"}
MARKDOWN = {"content": "a & b\nc", "mediaType": "text/markdown"}

CASES: dict[str, tuple[Document, Document]] = {
    "shared inbox": ({"sharedInbox": A}, {"sharedInbox": A, "endpoints": {"sharedInbox": A}}),
    "shared inbox twice": ({"sharedInbox": A, "endpoints": {}}, {"sharedInbox": A, "endpoints": {}}),
    "chat message": ({"type": "ChatMessage"}, {"type": "Note"}),
    "markdown": ({**MARKDOWN, "contentMap": {"en": "x"}}, {**HTML, "source": MARKDOWN}),
    "markdown with source": ({**MARKDOWN, "source": {"content": "z"}}, {**HTML, "source": {"content": "z"}}),
    "plain text": (
        {"content": "<b>", "mediaType": "text/plain"},
        {"content": "<p>&lt;b&gt;</p>", "mediaType": "text/html"},
    ),
    "html": ({"content": "<b>", "mediaType": "text/html"}, {"content": "<b>", "mediaType": "text/html"}),
    "faulty markdown": (
        {"content": 5, "mediaType": "text/markdown"},
        {"content": 5, "mediaType": "text/markdown"},
    ),
    "authors": ({"attributedTo": [CHANNEL, PERSON]}, {"attributedTo": A}),
    "two people": ({"attributedTo": [PERSON, PERSON]}, {"attributedTo": [PERSON, PERSON]}),
    "authors by id": ({"attributedTo": [A, G]}, {"attributedTo": [A, G]}),
    "actor of a note": ({"type": "Note", "actor": A}, {"type": "Note", "actor": A, "attributedTo": A}),
    "author and actor": (
        {"type": "Note", "actor": A, "attributedTo": G},
        {"type": "Note", "actor": A, "attributedTo": G},
    ),
    "actor of a page": ({"type": "Page", "actor": A}, {"type": "Page", "actor": A}),
    "report": ({"type": "Flag", "summary": "x"}, {"type": "Flag", "summary": "x", "content": "x"}),
    "report with both": (
        {"type": "Flag", "summary": "x", "content": "y"},
        {"type": "Flag", "summary": "x", "content": "y"},
    ),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_document_is_mended_once_and_the_given_one_stays(name: str) -> None:
    given, expected = CASES[name]
    before = repr(given)
    assert quirks.mend(given) == expected
    assert repr(given) == before
    assert quirks.mend(quirks.mend(given)) == expected


def test_a_sound_document_is_returned_itself() -> None:
    sound: Document = {"type": "Note", "attributedTo": A, "content": "<p>x</p>"}
    assert quirks.mend(sound) is sound


@pytest.mark.parametrize(
    "software", ["lemmy", "PieFed", " mbin ", "kbin", "nodebb", "discourse", "lotide", "wordpress"]
)
def test_software_with_groups_is_known(software: str) -> None:
    assert quirks.speaks_activities(software)


@pytest.mark.parametrize("software", [None, "", "mastodon", "gotosocial", "misskey", "lemmy2", "unknown"])
def test_all_other_software_gets_ids(software: str | None) -> None:
    assert not quirks.speaks_activities(software)
