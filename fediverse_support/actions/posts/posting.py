"""Writing, editing and deleting posts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from federation import vocab
from federation.uris import Uri
from fediverse_support.actions import own
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain import documents, plaintext, richtext
from fediverse_support.domain.actors import Person
from fediverse_support.domain.audiences import narrower, widest_in
from fediverse_support.domain.documents import PostRow
from fediverse_support.domain.errors import Invalid, NotAllowed, NotFound
from fediverse_support.domain.ids import PostId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.posts import MAX_BODY, MAX_TITLE, MAX_WARNING, Audience, Draft, Published
from fediverse_support.domain.verdicts import Rank
from fediverse_support.pipeline.step import Outcome
from fediverse_support.policy import access
from fediverse_support.reads.posts import own_posts
from fediverse_support.reads.posts.own_posts import Setting
from fediverse_support.store.posts import idempotency
from fediverse_support.store.posts import posts as store

MAX_KEY: Final = 200


def check(draft: Draft) -> Draft:
    """Return the draft with tidy lines; raise `Invalid` naming every field that has to change."""
    fields: dict[str, str] = {}
    body = plaintext.tidy(draft.body).strip()
    for field, text, limit in (
        ("body", draft.body, MAX_BODY),
        ("title", draft.title, MAX_TITLE),
        ("warning", draft.warning, MAX_WARNING),
    ):
        if len(plaintext.tidy(text).strip()) > limit:
            fields[field] = "too_long"
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            fields[field] = "bad_character"
    if "body" not in fields and not richtext.plain(richtext.from_markdown(body)).strip("​‌‍⁠﻿ \n"):
        fields["body"] = "empty"
    if fields:
        raise Invalid(fields)
    return replace(
        draft,
        body=body,
        title=plaintext.one_line(draft.title, MAX_TITLE),
        warning=plaintext.one_line(draft.warning, MAX_WARNING),
    )


async def publish(
    db: Db, instance: Instance, person: Person, draft: Draft, *, idempotency_key: str | None = None
) -> Published:
    """Post a thread, a reply or a profile post; say whether it is visible or waits for a moderator.

    Raises `Invalid` for the words, `NotFound` for a parent or group that is not there for this person,
        `NotAllowed` where
    policy says no.
    """
    draft = check(draft)
    key = None if idempotency_key is None else idempotency_key[:MAX_KEY]
    now = db.now()
    async with db.transaction() as tx:
        if key is not None and (known := await idempotency.find(tx, person.account_id, key, now)) is not None:
            post = await store.find_post(tx, known[0])
            if post is not None:
                return Published(post.id, post.standing)
        setting = await own_posts.find_setting(
            tx, person.actor_id, parent_id=draft.parent_id, group_id=draft.group_id, mentioned=draft.mentioned
        )
        if setting is None:
            raise NotFound
        row = _new_row(instance, person, draft, setting, await store.new_id(tx), now)
        create = _create(instance, row, now, to_moderators_of=_only_group(draft, setting))
        outcome = await own.submit(tx, instance, create, now, post_id=row.id)
        if key is not None:
            await idempotency.keep(tx, person.account_id, key, row.id, now)
    return _published(row, outcome, now)


async def send_again(
    db: Db,
    instance: Instance,
    person: Person,
    post_id: PostId,
    draft: Draft,
    *,
    idempotency_key: str | None = None,
) -> Published:
    """Publish new words in the place of a post that a moderator took out; that one stays out.

    It goes to the same people as before, never to more: of `draft`, only the words count. Raises `NotFound`
    for any other post and where nothing is left to answer, and whatever `publish` raises.
    """
    async with db.connection() as conn:
        place = await own_posts.find_taken_out(conn, post_id, person.actor_id)
    if place is None or (place.is_reply and place.parent_id is None):
        raise NotFound
    again = replace(
        draft,
        group_id=place.group_id,
        parent_id=place.parent_id,
        audience=place.audience,
        mentioned=place.mentioned,
    )
    return await publish(db, instance, person, again, idempotency_key=idempotency_key)


def _published(row: PostRow, outcome: Outcome, now: datetime) -> Published:
    held = outcome.verdict.rank is Rank.HOLD
    leaves = row.audience != "group" and not held and outcome.facts.federation != "off"
    leaves_at = now + outcome.facts.undo_for if leaves else None
    return Published(row.id, "held" if held else "visible", leaves_at)


def _audience(draft: Draft, setting: Setting) -> Audience:
    """Return who may read it: never wider than the group, never wider than what it answers."""
    widest = widest_in(setting.group_kind)
    if setting.parent_audience is not None:
        widest = narrower(widest, setting.parent_audience)
    # Followers are nobody in a group: who reads there is decided by the group.
    is_said = draft.audience is not None and not (setting.group_kind and draft.audience == "followers")
    return narrower(widest, draft.audience) if is_said and draft.audience else widest


def _new_row(
    instance: Instance, person: Person, draft: Draft, setting: Setting, post_id: PostId, now: datetime
) -> PostRow:
    token = fresh_token()
    is_root = setting.parent_uri is None
    audience = _audience(draft, setting)
    group = None if audience == "direct" else setting.group
    return PostRow(
        id=post_id,
        uri=instance.post_uri(token),
        kind="Note",
        author_uri=person.uri,
        author_followers_uri=setting.author_followers_uri,
        audience=audience,
        standing="visible",
        title=draft.title if is_root else "",
        body_html=richtext.from_markdown(draft.body),
        body_source=draft.body,
        warning=draft.warning,
        sensitive=draft.sensitive,
        language=draft.language,
        url=None,
        context_uri=instance.context_uri(token) if is_root else setting.context_uri,
        root_id=post_id if setting.root_id is None else setting.root_id,
        is_locked=False,
        published_at=now,
        edited_at=None,
        group=group,
        parent_uri=setting.parent_uri,
        parent_author=setting.parent_author,
        # Naming somebody in a closed group sends them nothing, and does not name them to others.
        mentions=setting.mentions
        if audience != "group"
        else tuple(m for m in setting.mentions if m.host is None),
    )


def _only_group(draft: Draft, setting: Setting) -> Uri | None:
    """Return the open group of ours that a private message is for, if it is for nobody else."""
    group = setting.group
    is_for_it = draft.audience == "direct" and not setting.mentions and setting.parent_uri is None
    if not is_for_it or group is None or group.host is not None or setting.group_kind != "open":
        return None
    return group.uri


def _create(
    instance: Instance, row: PostRow, now: datetime, *, to_moderators_of: Uri | None
) -> vocab.Create:
    post = documents.post_document(row, instance)
    if to_moderators_of is not None:
        post = replace(post, audience=vocab.Audience(to=(to_moderators_of,)))
    return vocab.Create(
        id=instance.activity_uri(fresh_token()),
        actor=row.author_uri,
        object=post,
        audience=post.audience,
        published=now,
    )


async def edit(db: Db, instance: Instance, person: Person, post_id: PostId, draft: Draft) -> None:
    """Replace the words of one's own post; everybody who has it is told.

    Raises `Invalid`, `NotFound` (not theirs, or gone), `NotAllowed`.
    """
    draft = check(draft)
    now = db.now()
    async with db.transaction() as tx:
        row = await _own(tx, person, post_id)
        if not access.may_edit(None, row, is_author=True):
            raise NotAllowed(reasons=("removed",))
        changed = replace(
            row,
            title=draft.title if row.parent_uri is None else "",
            body_html=richtext.from_markdown(draft.body),
            body_source=draft.body,
            warning=draft.warning,
            sensitive=draft.sensitive,
            language=draft.language if draft.language != "und" else row.language,
            edited_at=now,
        )
        post = documents.post_document(changed, instance)
        update = vocab.Update(
            id=instance.activity_uri(fresh_token()),
            actor=row.author_uri,
            object=post,
            audience=post.audience,
            published=now,
        )
        await own.submit(tx, instance, update, now)


async def delete(db: Db, instance: Instance, person: Person, post_id: PostId) -> None:
    """Erase one's own post here and ask every server that has a copy to delete it. Raises `NotFound`."""
    now = db.now()
    async with db.transaction() as tx:
        row = await _own(tx, person, post_id)
        if not access.may_remove(row, is_author=True):
            raise NotFound
        await own.submit(tx, instance, withdrawal(instance, row, row.author_uri, now), now)


def withdrawal(
    instance: Instance, row: PostRow, actor: Uri, now: datetime, reason: str | None = None
) -> vocab.Delete:
    """Return the Delete of a post of ours, to the same people it was addressed to."""
    return vocab.Delete(
        id=instance.activity_uri(fresh_token()),
        actor=actor,
        object=row.uri,
        former_type=row.kind,
        reason=reason,
        deleted=now,
        audience=documents.post_audience(row),
    )


async def _own(tx: Tx, person: Person, post_id: PostId) -> PostRow:
    row = await own_posts.find_own(tx, post_id, person.actor_id)
    if row is None:
        raise NotFound
    return row
