"""From the text of a status to a draft: whom it mentions, which group it goes to, and which part is the
title.

Safety here is that nothing meant for a group ends up on a profile: a name that nobody has, or that is
hidden from the writer, is refused where the post would otherwise be read by the wrong people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from federation import uris
from federation.errors import Malformed
from fediverse_support.db.pool import Conn
from fediverse_support.domain import richtext
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.posts import Audience, Draft
from fediverse_support.reads.people import actors
from fediverse_support.reads.people.actors import ActorView, Handle, Named
from fediverse_support.reads.posts.posts import PostView
from fediverse_support.web.mastodon.errors import Refused, invalid

HANDLE: Final = re.compile(
    r"(?<![\w/@!])([@!])(?:([\w.-]{1,64})@(\w(?:[\w.-]{0,250}\w)?(?::[0-9]{1,5})?)|(\w{1,64})(?![\w@]))"
)
MAX_HANDLES: Final = 30
MAX_TITLE_LINE: Final = 120
MAX_DERIVED_TITLE: Final = 60

AUDIENCES: Final[dict[str, Audience]] = {
    "public": "public",
    "unlisted": "unlisted",
    "private": "followers",
    "direct": "direct",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a client sent as a status. `visibility`, `title` and `group_id` are None when it said nothing of
    them."""

    text: str
    warning: str = ""
    sensitive: bool = False
    language: str = "und"
    visibility: str | None = None
    title: str | None = None
    group_id: int | None = None


def handles_in(text: str, instance: Instance) -> list[Handle]:
    """Return every `@name`, `!name`, `@name@host` and `!name@host` in a text, in order."""
    found: list[Handle] = []
    for mark, name, host, local in HANDLE.findall(text):
        if len(found) >= MAX_HANDLES:
            raise invalid("text", "too_many_mentions", "There are too many mentions in this text")
        if (handle := handle_of(f"{mark}{name or local}{'@' + host if host else ''}", instance)) is not None:
            found.append(handle)
    return found


def handle_of(text: str, instance: Instance) -> Handle | None:
    """Return a handle as people write it (`wren`, `@wren`, `!group@peer.example`), None for what is none."""
    name, at, host = text.strip().removeprefix("acct:").lstrip("@!").partition("@")
    if not re.fullmatch(r"[\w.-]{1,64}", name):
        return None
    if not at:
        return Handle(name, None, text.startswith("!"))
    try:
        known = uris.parse_host(host)
    except Malformed:
        return None
    return Handle(name, None if known == instance.host else known, text.startswith("!"))


async def draft_for(
    conn: Conn, instance: Instance, words: Words, viewer: ActorId, *, parent: PostView | None = None
) -> Draft:
    """Return the draft these words make; raise `Refused` with 422 where it is not clear or not safe who
    will read it."""
    if words.visibility is not None and words.visibility not in AUDIENCES:
        raise invalid(
            "visibility", "inclusion", "Visibility is not one of public, unlisted, private and direct"
        )
    handles = handles_in(words.text, instance)
    named = await actors.named(conn, handles, viewer)
    people = tuple(each.id for each in named.values() if each.kind != "group" and each.id != viewer)
    group = await _group(conn, words, named, parent, viewer)
    if words.visibility == "direct" or (parent is not None and parent.audience == "direct"):
        text = _without_groups(words.text, named, instance)
        if parent is None and not people and group is not None and _has_moderators_here(group):
            return _to_moderators(words, text, group)
        return _direct(words, text, parent, people)
    if group is not None:
        return _in_group(words, group, named, instance, parent, people)
    if parent is None:
        _refuse_strangers(handles, named)
    return _on_profile(words, parent, people)


async def _group(
    conn: Conn, words: Words, named: Mapping[str, Named], parent: PostView | None, viewer: ActorId
) -> ActorView | None:
    """Return the one group this goes to."""
    wanted = {int(each.id) for each in named.values() if each.kind == "group"}
    if words.group_id is not None:
        wanted.add(words.group_id)
    inherited = parent.group if parent is not None else None
    if inherited is not None:
        if wanted - {inherited.id}:
            raise invalid("text", "another_group", "A reply stays in its group and cannot go to another one")
        return inherited
    if parent is not None and wanted:
        raise invalid(
            "text", "another_group", "This conversation is in no group, so a reply cannot go to one"
        )
    if len(wanted) > 1:
        raise invalid("text", "two_groups", "A post goes to one group: mention only one")
    if not wanted:
        return None
    group = await actors.find(conn, wanted.pop(), viewer)
    if group is None or not group.is_group:
        raise invalid("group_id", "not_found", "There is no such group")
    return group


def _has_moderators_here(group: ActorView) -> bool:
    """An open group of ours: its moderators get what is written to it and to nobody else."""
    return group.host is None and group.group_kind == "open"


def _to_moderators(words: Words, text: str, group: ActorView) -> Draft:
    return Draft(
        body=text,
        warning=words.warning,
        sensitive=words.sensitive,
        language=words.language,
        audience="direct",
        group_id=group.id,
    )


def _direct(words: Words, text: str, parent: PostView | None, people: tuple[ActorId, ...]) -> Draft:
    """A personal message: it leaves the group, and goes to the people named."""
    # What stands in a closed group is named to nobody outside of it, not even by what it answers.
    closed = parent is not None and parent.kind not in (None, "open")
    above = None if closed else parent
    if above is not None:
        people = _with_author(people, above)
    if not people:
        raise invalid("text", "no_recipient", "A private message needs somebody it goes to: mention them")
    return Draft(
        body=text,
        warning=words.warning,
        sensitive=words.sensitive,
        language=words.language,
        audience="direct",
        parent_id=None if above is None else above.id,
        mentioned=people,
    )


def _in_group(
    words: Words,
    group: ActorView,
    named: Mapping[str, Named],
    instance: Instance,
    parent: PostView | None,
    people: tuple[ActorId, ...],
) -> Draft:
    """A thread or a reply in a group; it is never read by more people than the group is."""
    audience: Audience = "group"
    if (group.group_kind if parent is None else parent.kind) == "open":
        if words.visibility == "private":
            raise invalid(
                "visibility",
                "too_narrow",
                "Everyone can read this group. Choose public, or send a private message",
            )
        audience = "unlisted" if words.visibility == "unlisted" else "public"
    text = _without_groups(words.text, named, instance)
    title, body = ("", text) if parent is not None else titled(words, text)
    return Draft(
        body=body,
        title=title,
        warning=words.warning,
        sensitive=words.sensitive,
        language=words.language,
        group_id=group.id if parent is None else None,
        parent_id=None if parent is None else parent.id,
        audience=audience,
        mentioned=people if parent is None else _with_author(people, parent),
    )


def _on_profile(words: Words, parent: PostView | None, people: tuple[ActorId, ...]) -> Draft:
    """A post outside of groups; without a word about it only followers read it, and a reply is no wider
    than its parent."""
    audience = AUDIENCES[words.visibility or "private"]
    if parent is not None:
        people = _with_author(people, parent)
    return Draft(
        body=words.text,
        warning=words.warning,
        sensitive=words.sensitive,
        language=words.language,
        parent_id=None if parent is None else parent.id,
        audience=audience,
        mentioned=people,
    )


def edited(words: Words, post: PostView, named: Mapping[str, Named], instance: Instance) -> Draft:
    """Return the draft of an edit: other words in the same place, for the same readers."""
    groups = {int(each.id) for each in named.values() if each.kind == "group"}
    if groups - ({int(post.group.id)} if post.group is not None else set()):
        raise invalid("text", "another_group", "An edit cannot move a post to a group")
    people = tuple(each.id for each in named.values() if each.kind != "group" and each.id != post.author.id)
    text = _without_groups(words.text, named, instance)
    title, body = titled(words, text) if post.starts_thread else ("", text)
    return Draft(
        body=body,
        title=title,
        warning=words.warning,
        sensitive=words.sensitive,
        language=words.language,
        group_id=post.group.id if post.starts_thread and post.group is not None else None,
        parent_id=PostId(post.parent_id) if post.parent_id is not None else None,
        audience=post.audience,
        mentioned=people,
    )


def source_of(post: PostView, *, names_group: bool) -> str:
    """Return a post's text as its author would send it again: title first, and the group named where
    `names_group`."""
    text = post.body_source if post.body_source is not None else post.body_text
    if post.title and not richtext.opens_with_title(post.title, richtext.SafeHtml(post.body_html)):
        text = f"{post.title}\n\n{text}"
    if names_group and post.group is not None:
        host = f"@{post.group.handle_host}" if post.group.handle_host else ""
        text = f"@{post.group.name}{host} {text}"
    return text


def titled(words: Words, text: str) -> tuple[str, str]:
    """A first line of at most 120 characters before a blank line is the title, else the first words are."""
    if words.title is not None and words.title.strip():
        return words.title.strip(), text
    first, _, rest = text.partition("\n")
    followed = rest.partition("\n")[0].strip() == "" and rest.strip() != ""
    if followed and first.strip() and len(first.strip()) <= MAX_TITLE_LINE:
        return first.strip(), rest.strip()
    plain = richtext.plain(richtext.from_markdown(text)).partition("\n")[0]
    if len(plain) <= MAX_DERIVED_TITLE:
        return plain, text
    start = plain[:MAX_DERIVED_TITLE]
    return (start.rpartition(" ")[0] or start) + "…", text


def _without_groups(text: str, named: Mapping[str, Named], instance: Instance) -> str:
    """Take a group's handle out of the text's first line, and from its end: there it addresses, it says
    nothing."""

    def is_group(found: re.Match[str]) -> bool:
        handle = handle_of(found[0], instance)
        meant = named.get(handle.key) if handle is not None else None
        return meant is not None and meant.kind == "group"

    first, newline, rest = text.strip().partition("\n")
    first = re.sub(
        r" {2,}", " ", HANDLE.sub(lambda found: "" if is_group(found) else found[0], first)
    ).strip()
    text = f"{first}{newline}{rest}".strip()
    while (found := next((f for f in HANDLE.finditer(text) if f.end() == len(text)), None)) and is_group(
        found
    ):
        text = text[: found.start()].rstrip()
    return text


def _with_author(people: tuple[ActorId, ...], parent: PostView) -> tuple[ActorId, ...]:
    return tuple(dict.fromkeys((parent.author.id, *people)))


def _refuse_strangers(handles: list[Handle], named: Mapping[str, Named]) -> None:
    """On a profile, a name of nobody may be a group's that was misspelt: better ask than tell everyone."""
    for handle in handles:
        if handle.key not in named and (handle.is_group or handle.host is None):
            raise Refused(
                422,
                f"Validation failed: nobody here is called {handle.name}. If you meant a group, look at how "
                "its name is written; if not, leave out the sign before the name.",
                details={"text": [{"error": "ERR_UNKNOWN_NAME", "description": "names nobody"}]},
            )
