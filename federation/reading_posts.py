"""Posts: document → `vocab.Post`. Internal to `reading`."""

from __future__ import annotations

import re
from typing import Final, Literal, cast, get_args

from federation.documents import Document, count, id_of, line, many, moment, one, text
from federation.errors import Malformed
from federation.reading_parts import (
    MAX_LABEL,
    MAX_TITLE,
    POST_KINDS,
    audience_of,
    first_known,
    html_of,
    kind_of,
    language_of,
    markdown_of,
    own_host_url,
    own_id,
)
from federation.uris import Uri, same_origin
from federation.vocab import PUBLIC, Attachment, Choice, Hashtag, Mention, Post, PostKind

AttachmentKind = Literal["Image", "Video", "Audio", "Document", "Link"]

ATTACHMENT_KINDS: Final[frozenset[str]] = frozenset(get_args(AttachmentKind))
MAX_WARNING: Final = 300
MAX_AUTHORS: Final = 10
MAX_PARENTS: Final = 5
MAX_TAGS: Final = 64
MAX_ATTACHMENTS: Final = 16
MAX_CHOICES: Final = 10
MAX_ALT: Final = 5_000
MAX_SIDE: Final = 65_535
MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}")
HASHTAG: Final = re.compile(r"[\w\u00b7\u200c]{1,100}")


def read(document: Document, *, by: Uri | None = None) -> Post:
    """Return the post in an already mended document, or raise `Malformed`.

    `by` is who delivered it: of several authors that one counts.

    Codes: `not_a_post`, `vote` (a poll's answer, which is never shown as a reply), `bad_id`,
    `bad_attributedTo`, `several_attributedTo` (of several servers), `id_of_its_author`, `content_too_long`.
    """
    kind = kind_of(document)
    if kind not in POST_KINDS:
        raise Malformed("not_a_post")
    if is_vote(document):
        raise Malformed("vote")
    own = own_id(document)
    author = _author(document, own, by)
    parents = _parents(document.get("inReplyTo"), own)
    parent = parents[0] if parents else None
    warning = _warning(document, kind)
    mentions, hashtags = _tags(document.get("tag"))
    return Post(
        id=own,
        kind=cast(PostKind, kind),
        attributed_to=author,
        audience=audience_of(document),
        title="" if parent else _title(document.get("name"), warning),
        content=html_of(document),
        source=markdown_of(document),
        warning=warning,
        sensitive=document.get("sensitive") is True,
        language=language_of(document),
        in_reply_to=parent,
        other_parents=parents[1:],
        url=own_host_url(_pages(document.get("url")), own),
        context=id_of(one(document.get("context"))),
        replies=id_of(one(document.get("replies"))),
        published=moment(document.get("published")),
        updated=moment(document.get("updated")),
        mentions=mentions,
        hashtags=hashtags,
        attachments=_attachments(document.get("attachment")),
        choices=_choices(document) if kind == "Question" else (),
        ends=(moment(document.get("endTime")) or moment(document.get("closed")))
        if kind == "Question"
        else None,
        comments_enabled=document.get("commentsEnabled") is not False,
    )


def _author(document: Document, own: Uri, by: Uri | None) -> Uri:
    named = (id_of(entry) for entry in many(document.get("attributedTo"), MAX_AUTHORS + 1))
    authors = tuple(dict.fromkeys(uri for uri in named if uri is not None and uri != PUBLIC))
    if not authors:
        raise Malformed("bad_attributedTo")
    # Authors of one server may write together: it speaks for all of them.
    if len(authors) > MAX_AUTHORS or (len(authors) > 1 and not same_origin(own, *authors)):
        raise Malformed("several_attributedTo")
    if own in authors:
        raise Malformed("id_of_its_author")
    return by if by is not None and by in authors else authors[0]


def _parents(value: object, own: Uri) -> tuple[Uri, ...]:
    named = (id_of(entry) for entry in many(value, MAX_PARENTS))
    return tuple(dict.fromkeys(uri for uri in named if uri is not None and uri not in (PUBLIC, own)))


def is_vote(document: Document) -> bool:
    """Say whether a reply consists of nothing but a name: that is how an answer to a poll is sent."""
    if kind_of(document) != "Note" or document.get("inReplyTo") is None or not document.get("name"):
        return False
    return not any(document.get(member) for member in ("content", "contentMap", "source", "attachment"))


def _title(value: object, warning: str) -> str:
    # Software that shows titles ignores warnings, so a warning is also written before the title; taken off
    # again here.
    whole = line(value, MAX_TITLE + MAX_WARNING + 10)
    prefix = f"[CW: {warning}] "
    return (whole.removeprefix(prefix) if warning else whole)[:MAX_TITLE].rstrip()


def _warning(document: Document, kind: str | None) -> str:
    # In long forms `summary` is an excerpt; only a sensitive one is a warning.
    if kind in ("Page", "Article") and document.get("sensitive") is not True:
        return ""
    return line(document.get("summary"), MAX_WARNING)


def _pages(value: object) -> list[object]:
    links = many(value, 10)
    return [
        link for link in links if not isinstance(link, dict) or link.get("mediaType") in (None, "text/html")
    ]


def _tags(value: object) -> tuple[tuple[Mention, ...], tuple[Hashtag, ...]]:
    mentions: dict[Uri, Mention] = {}
    hashtags: dict[str, Hashtag] = {}
    for tag in many(value, MAX_TAGS):
        kind = first_known(tag, frozenset({"Mention", "Hashtag"})) if isinstance(tag, dict) else None
        if kind is None or not isinstance(tag, dict):
            continue
        href = id_of(tag.get("href"))
        if kind == "Mention" and href is not None:
            mentions.setdefault(href, Mention(href, line(tag.get("name"), MAX_LABEL)))
        elif kind == "Hashtag":
            name = line(tag.get("name"), MAX_LABEL).removeprefix("#").lower()
            if HASHTAG.fullmatch(name):
                hashtags.setdefault(name, Hashtag(name, href))
    return tuple(mentions.values()), tuple(hashtags.values())


def _attachments(value: object) -> tuple[Attachment, ...]:
    found = (_attachment(entry) for entry in many(value, MAX_ATTACHMENTS) if isinstance(entry, dict))
    return tuple(entry for entry in found if entry is not None)


def _attachment(entry: Document) -> Attachment | None:
    kind = first_known(entry, ATTACHMENT_KINDS)
    link = one(entry.get("url"))
    url = id_of(link) or id_of(one(entry.get("href")))
    if kind is None or url is None:
        return None
    media_type = entry.get("mediaType") or (link.get("mediaType") if isinstance(link, dict) else None)
    return Attachment(
        kind=cast(AttachmentKind, kind),
        url=url,
        media_type=media_type if isinstance(media_type, str) and MEDIA_TYPE.fullmatch(media_type) else "",
        alt=text(entry.get("name") or entry.get("summary"), MAX_ALT).strip(),
        width=_side(entry.get("width")),
        height=_side(entry.get("height")),
    )


def _side(value: object) -> int | None:
    found = count(value)
    return found if found is not None and value == found and 0 < found <= MAX_SIDE else None


def _choices(document: Document) -> tuple[Choice, ...]:
    answers = document.get("oneOf") or document.get("anyOf")
    found = []
    for answer in many(answers, MAX_CHOICES):
        if not isinstance(answer, dict):
            continue
        name = line(answer.get("name"), MAX_TITLE)
        replies = answer.get("replies")
        votes = count(replies.get("totalItems")) if isinstance(replies, dict) else None
        if name:
            found.append(Choice(name, votes or 0))
    return tuple(found)
