"""Repairs for particular software: the only place that names one.

Each repair is pure, returns the document itself where nothing is to be mended, and carries the date since
when we saw the need. A repair goes when its software does. Nothing here may make a document more powerful:
repairs move members to where the vocabulary wants them, they never invent an author, an id or an audience.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

from federation.documents import Document

Repair = Callable[[Document], Document]

SPEAKS_ACTIVITIES: Final = frozenset(
    {
        "discourse",
        "fediverse-support",
        "kbin",
        "lemmy",
        "lotide",
        "mbin",
        "nodebb",
        "piefed",
        "wordpress",
    }
)
"""NodeInfo names of software that unwraps an announced activity; all others are sent an announced id."""


def speaks_activities(software: str | None) -> bool:
    """Say whether software of this NodeInfo name unwraps an announced activity; unknown software does not."""
    return software is not None and software.strip().lower() in SPEAKS_ACTIVITIES


def shared_inbox_at_the_top(document: Document) -> Document:
    """Misskey family and old Pleroma (2026-11): `sharedInbox` stands beside `inbox`, not in `endpoints`."""
    if "sharedInbox" not in document or document.get("endpoints") is not None:
        return document
    return {**document, "endpoints": {"sharedInbox": document["sharedInbox"]}}


def chat_message_is_a_note(document: Document) -> Document:
    """Lemmy 0.19 and Pleroma (2026-11): a private message has a type of its own."""
    return {**document, "type": "Note"} if document.get("type") == "ChatMessage" else document


def content_is_not_html(document: Document) -> Document:
    """PeerTube (2026-11): `content` is Markdown or plain text and says so in `mediaType`."""
    kind, content = document.get("mediaType"), document.get("content")
    if kind not in ("text/markdown", "text/plain") or not isinstance(content, str):
        return document
    mended = {
        **document,
        "mediaType": "text/html",
        "content": f"<p>{escape(content)}</p>".replace("\n", "<br>"),
    }
    if kind == "text/markdown" and document.get("source") is None:
        mended["source"] = {"content": content, "mediaType": kind}
    mended.pop("contentMap", None)
    return mended


def person_among_the_authors(document: Document) -> Document:
    """PeerTube and Mobilizon (2026-11): `attributedTo` lists the person and the channel or group."""
    authors = document.get("attributedTo")
    if not isinstance(authors, list) or len(authors) != 2 or not all(isinstance(a, dict) for a in authors):
        return document
    people = [author for author in authors if author.get("type") == "Person"]
    groups = [author for author in authors if author.get("type") == "Group"]
    if len(people) != 1 or len(groups) != 1:
        return document
    return {**document, "attributedTo": people[0].get("id")}


def author_written_as_actor(document: Document) -> Document:
    """Old Pleroma (2026-11): a Note carries `actor` and no `attributedTo`."""
    if document.get("type") != "Note" or "actor" not in document or document.get("attributedTo") is not None:
        return document
    return {**document, "attributedTo": document["actor"]}


def report_text_in_summary(document: Document) -> Document:
    """Lemmy (2026-11): a report's reason stands in `summary`."""
    if document.get("type") != "Flag" or document.get("content") is not None or "summary" not in document:
        return document
    return {**document, "content": document["summary"]}


REPAIRS: Final[tuple[Repair, ...]] = (
    chat_message_is_a_note,
    author_written_as_actor,
    person_among_the_authors,
    content_is_not_html,
    shared_inbox_at_the_top,
    report_text_in_summary,
)


def mend(document: Document) -> Document:
    """Apply every repair, in order; mending twice changes nothing more."""
    for repair in REPAIRS:
        document = repair(document)
    return document
