"""New posts, edits and deletions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, cast

import msgspec

from federation import authenticity, uris, vocab, writing
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.domain import richtext
from fediverse_support.domain.effects import Cancel, Effect, Erase, Notify, Relay, Send
from fediverse_support.domain.facts import Facts, PostFacts
from fediverse_support.domain.ids import PostId, fresh_token
from fediverse_support.domain.posts import MAX_TITLE, MAX_WARNING, PostStanding, may_become
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.domain.verdicts import Rank
from fediverse_support.pipeline.handlers import people
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store import announces, outgoing
from fediverse_support.store import posts as store
from fediverse_support.store.posts import NewPost, Words

OLDEST: Final = timedelta(days=20 * 365)
STANDINGS: Final[dict[Rank, PostStanding]] = {
    Rank.ACCEPT: "visible",
    Rank.LIMIT: "limited",
    Rank.HOLD: "held",
}


async def on_create(tx: Tx, step: Step, act: Authentic[vocab.Create]) -> Change:
    """Store a new post; pass it on if its group is ours. Known already, it is only passed on where it was
    not yet."""
    post = act.value.object
    if not isinstance(post, vocab.Post):
        return Change()
    target = step.facts.target
    if target is None:
        return await _store(tx, step, act, post)
    if target.standing == "held" and step.facts.approved:
        return await _release(tx, step, act, post, target)
    if target.standing == "visible" and step.verdict.rank is Rank.ACCEPT and step.facts.group is not None:
        return Change(_distribution(step, act, post, target.id), target.id)
    return Change((), target.id)


async def on_observe(tx: Tx, step: Step, act: Authentic[vocab.Observe]) -> Change:
    """Store a post that was fetched, or what its origin changed in one we have."""
    post = act.value.object
    target = step.facts.target
    if target is None:
        return await _store(tx, step, act, post)
    seen = target.edited_at or target.published_at
    if post.updated is not None and post.updated > seen and may_become(target.standing, "deleted"):
        await store.edit_post(tx, target.id, _words(post, local=False), _when(post.updated, step.now))
    return Change((), target.id)


async def _store(
    tx: Tx, step: Step, act: Authentic[vocab.Create] | Authentic[vocab.Observe], post: vocab.Post
) -> Change:
    facts = step.facts
    if facts.actor is None:
        return Change()
    stored = step.stored
    if stored is None:
        stored = await store.insert_posts(tx, [_row(step, post)], step.now)
    post_id = stored.get(post.id)
    if post_id is None:
        return Change()
    if step.verdict.rank is Rank.HOLD:
        account = facts.actor.account_id
        told = () if account is None else (Notify(account_id=account, kind="held", post_id=post_id),)
        return Change(told, post_id)
    if step.verdict.rank is Rank.LIMIT:
        return Change((), post_id)
    effects = await _news(tx, step, post, post_id)
    if isinstance(act.value, vocab.Create):
        await _announce_here(tx, step, post, post_id)
        effects += _distribution(step, act, post, post_id)
        effects += await _direct(tx, step, act.value, post, post_id)
    return Change(effects, post_id)


async def store_ahead(tx: Tx, steps: Sequence[tuple[Step, Authentic[vocab.Create]]]) -> list[Step]:
    """Store the new posts of a run in one statement, before each has its turn."""
    rows = [
        _row(step, act.value.object)
        for step, act in steps
        if isinstance(act.value.object, vocab.Post)
        and step.verdict.lets_in and step.facts.target is None and step.facts.actor is not None
    ]  # fmt: skip
    stored = await store.insert_posts(tx, rows, steps[0][0].now) if rows else {}
    return [replace(step, stored=stored) for step, _ in steps]


async def _release(
    tx: Tx, step: Step, act: Authentic[vocab.Create], post: vocab.Post, target: PostFacts
) -> Change:
    """Let a held post appear, as if it had come now; only the words that a moderator read are passed on."""
    await store.set_standing(tx, target.id, STANDINGS[step.verdict.rank], ("held",))
    if step.verdict.rank is not Rank.ACCEPT:
        return Change((), target.id)
    is_as_read = step.facts.is_local or await store.has_words(tx, target.id, _words(post, local=False))
    await store.wake_thread(tx, target.id, step.now)
    effects = await _news(tx, step, post, target.id)
    if target.author_account_id is not None:
        effects += (Notify(account_id=target.author_account_id, kind="approved", post_id=target.id),)
    await _announce_here(tx, step, post, target.id)
    if is_as_read:
        effects += _distribution(step, act, post, target.id)
    effects += await _direct(tx, step, act.value, post, target.id)
    return Change(effects, target.id)


def _row(step: Step, post: vocab.Post) -> NewPost:
    facts = step.facts
    actor, parent = facts.actor, facts.parent
    if actor is None:
        raise ValueError("a post needs a known author")
    words = _words(post, local=facts.is_local)
    return NewPost(
        id=step.post_id,
        uri=post.id,
        kind=post.kind,
        author_id=actor.id,
        host=actor.host,
        group_id=None if facts.group is None else facts.group.id,
        root_id=None if parent is None else parent.root_id,
        parent_id=None if parent is None else parent.id,
        parent_uri=post.in_reply_to,
        audience=facts.audience,
        standing=STANDINGS[step.verdict.rank],
        title=words.title,
        body_html=words.body_html,
        body_source=words.body_source,
        body_text=words.body_text,
        warning=words.warning,
        sensitive=words.sensitive,
        language=words.language,
        url=post.url,
        context_uri=post.context,
        attachments=words.attachments or "[]",
        published_at=_when(post.published, step.now),
        mentions=tuple(mention.href for mention in post.mentions),
    )


def _words(post: vocab.Post, *, local: bool) -> Words:
    """Return a post's words cleaned; our own from their Markdown, others' from their HTML."""
    title = "" if post.in_reply_to is not None else richtext.one_line(post.title, MAX_TITLE)
    if local and post.source is not None:
        body = richtext.from_markdown(post.source)
    else:
        body = _without_title(richtext.clean(post.content), title)
    if post.choices:
        options = "".join(f"<li>{richtext.from_plain(choice.name)}</li>" for choice in post.choices)
        body = SafeHtml(f"{body}<ul>{options}</ul>")
    files = [
        {"kind": file.kind, "url": file.url, "media_type": file.media_type, "alt": file.alt}
        for file in post.attachments
    ]
    return Words(
        title=title,
        body_html=body,
        body_source=post.source if local else None,
        body_text=richtext.plain(body),
        warning=richtext.one_line(post.warning, MAX_WARNING),
        sensitive=post.sensitive,
        language=post.language or "und",
        attachments=msgspec.json.encode(files).decode(),
    )


def _without_title(body: SafeHtml, title: str) -> SafeHtml:
    """Take away a first bold paragraph that only repeats the title."""
    if title:
        opening = richtext.with_title(title, SafeHtml(""))
        if body.startswith(opening):
            return SafeHtml(body[len(opening) :])
    return body


def _when(claimed: datetime | None, now: datetime) -> datetime:
    """Return the time a peer claims, unless it lies ahead of us or decades back."""
    return claimed if claimed is not None and now - OLDEST < claimed <= now else now


def _distribution(
    step: Step, act: Authentic[vocab.Create] | Authentic[vocab.Observe], post: vocab.Post, post_id: PostId
) -> tuple[Relay, ...]:
    """What the group sends round: only an open group of ours, only what is public, only with the author's
    own text."""
    group = step.facts.group
    if group is None or not group.is_local or group.kind != "open" or act.raw is None:
        return ()
    if step.facts.audience not in ("public", "unlisted") or not isinstance(act.value, vocab.Create):
        return ()
    boost = post.id if post.in_reply_to is None else None
    return (
        Relay(
            group_id=group.id,
            activity=act.value,
            raw=act.raw,
            post_id=post_id,
            boost=boost,
            after=_delay(step.facts, step),
        ),
    )


async def _announce_here(tx: Tx, step: Step, post: vocab.Post, post_id: PostId) -> None:
    """Note a new thread of a closed group as its announce: nothing goes round, but its members see one."""
    group = step.facts.group
    if group is None or not group.is_local or group.kind == "open" or post.in_reply_to is not None:
        return
    uri = step.instance.activity_uri(fresh_token())
    await announces.insert_announce(tx, uri, group.id, post_id, step.now)


def _delay(facts: Facts, step: Step) -> timedelta:
    """Our people may take a post back before it leaves."""
    return step.instance.undo_for if facts.is_local else timedelta()


async def _direct(
    tx: Tx, step: Step, activity: vocab.Create, post: vocab.Post, post_id: PostId
) -> tuple[Send, ...]:
    """Whom the author's own server tells: a group elsewhere, the one answered, those named, the author's
    followers."""
    facts = step.facts
    group, actor = facts.group, facts.actor
    if not facts.is_local or actor is None or (group is not None and not group.federates):
        return ()
    to = await people.elsewhere(tx, tuple(mention.href for mention in post.mentions))
    if group is not None and not group.is_local:
        to = (group.id, *to)
    parent = facts.parent
    if parent is not None and parent.host is not None and facts.audience != "direct":
        to = (parent.author_id, *to)
    followers = actor.id if group is None and facts.audience in ("public", "unlisted", "followers") else None
    if not to and followers is None:
        return ()
    return (
        Send(
            sender_id=actor.id,
            activity=activity,
            to=tuple(dict.fromkeys(to)),
            followers_of=followers,
            post_id=post_id,
            after=_delay(facts, step),
        ),
    )


async def _news(tx: Tx, step: Step, post: vocab.Post, post_id: PostId) -> tuple[Effect, ...]:
    """Which of our people hear of it: the one answered and those mentioned, if they may read it."""
    facts = step.facts
    actor = facts.actor
    if actor is None:
        return ()
    told: dict[int, Notify] = {}
    parent = facts.parent
    if parent is not None and parent.author_account_id is not None:
        for account in await people.who_may_read(tx, (parent.author_uri,), post_id):
            told[account] = Notify(account_id=account, kind="reply", actor_id=actor.id, post_id=post_id)
    if facts.names_ours or facts.is_local:
        for account in await people.who_may_read(tx, tuple(m.href for m in post.mentions), post_id):
            told.setdefault(
                account, Notify(account_id=account, kind="mention", actor_id=actor.id, post_id=post_id)
            )
    if actor.account_id is not None:
        told.pop(actor.account_id, None)
    return tuple(told.values())


async def on_update(tx: Tx, step: Step, act: Authentic[vocab.Update]) -> Change:
    """Replace a post's words; nothing else about it can change."""
    post, target, facts = act.value.object, step.facts.target, step.facts
    if not isinstance(post, vocab.Post) or target is None or not may_become(target.standing, "deleted"):
        return Change()
    if post.updated is None and not facts.is_local:
        # Without a time it cannot be told from a late copy of an older text.
        post = replace(post, updated=act.value.published)
    changed = replace(post, in_reply_to=None if target.parent_id is None else post.in_reply_to)
    await store.edit_post(tx, target.id, _words(changed, local=facts.is_local), _when(post.updated, step.now))
    if target.standing != "visible" or target.audience not in ("public", "unlisted", "followers"):
        return Change((), target.id)
    leaves_at = await outgoing.leaves_at(tx, target.id, step.now) if facts.is_local else None
    if leaves_at is not None:
        return Change(await _rewritten(tx, step, act.value, post, target, leaves_at), target.id)
    return Change(_changed(step, act, target), target.id)


async def _rewritten(
    tx: Tx, step: Step, update: vocab.Update, post: vocab.Post, target: PostFacts, leaves_at: datetime
) -> tuple[Effect, ...]:
    """An edit before anything has left: only the new words ever leave, at the time that was promised."""
    create = vocab.Create(
        id=step.instance.activity_uri(fresh_token()),
        actor=update.actor,
        object=post,
        audience=post.audience,
        published=post.published,
    )
    fresh = cast(
        Authentic[vocab.Create], authenticity.from_local(create, create.actor, writing.write(create))
    )
    await announces.forget_announce(tx, target.id)
    sent = await _direct(tx, step, create, post, target.id)
    if not sent:
        sent = (Send(sender_id=target.author_id, activity=create, post_id=target.id),)
    after = leaves_at - step.now
    return (
        Cancel(post_id=target.id),
        Erase(uris=(target.uri,)),
        *(replace(send, after=after) for send in sent),
        *(replace(relay, after=after) for relay in _distribution(step, fresh, post, target.id)),
    )


def _changed(step: Step, act: Authentic[vocab.Update], target: PostFacts) -> tuple[Effect, ...]:
    """Tell everybody who has the old words."""
    group = step.facts.group
    author = target.author_id if step.facts.is_local else None
    if group is not None and group.is_local:
        if group.kind != "open" or act.raw is None:
            return ()
        return (
            Relay(group_id=group.id, activity=act.value, raw=act.raw, post_id=target.id, author_id=author),
        )
    if author is None:
        return ()
    return (Send(sender_id=author, activity=act.value, post_id=target.id, holders_of=target.id),)


async def on_delete(tx: Tx, step: Step, act: Authentic[vocab.Delete]) -> Change:
    """Erase a post for its author, hide it for a moderator, say goodbye to an actor, remember an unknown
    id."""
    facts, target = step.facts, step.facts.target
    if target is not None:
        return await _delete_post(tx, step, act, target)
    if facts.target_actor is not None:
        return await people.farewell(tx, facts.target_actor, step.now)
    if uris.same_origin(act.value.actor, act.value.object):
        await store.insert_tombstone(tx, act.value.object, act.value.former_type, step.now)
    return Change()


async def _delete_post(tx: Tx, step: Step, act: Authentic[vocab.Delete], target: PostFacts) -> Change:
    if target.standing == "deleted":
        return Change((), target.id)
    by_author = act.value.actor == target.author_uri or act.proof == "fetch"
    effects: tuple[Effect, ...] = (Cancel(post_id=target.id),)
    if by_author:
        await store.erase_posts(tx, [target.id], step.now)
        effects += (Erase(uris=(target.uri,)),)
    else:
        await store.set_standing(tx, target.id, "removed", ("visible", "limited", "held"))
        if target.author_account_id is not None:
            effects += (Notify(account_id=target.author_account_id, kind="removed", post_id=target.id),)
    if target.standing == "held" or target.audience == "group":
        return Change(effects, target.id)
    return Change(effects + _withdrawal(step, act, target, by_author=by_author), target.id)


def _withdrawal(
    step: Step, act: Authentic[vocab.Delete], target: PostFacts, *, by_author: bool
) -> tuple[Effect, ...]:
    """Ask every host that has a copy to delete it."""
    group = step.facts.group
    effects: tuple[Effect, ...] = ()
    own = target.author_id if target.host is None and by_author else None
    if group is not None and group.is_local and group.kind == "open" and act.raw is not None:
        effects += (
            Relay(
                group_id=group.id,
                activity=act.value,
                raw=act.raw,
                post_id=target.id,
                unboost=True,
                author_id=own,
            ),
        )
    elif own is not None:
        effects += (Send(sender_id=own, activity=act.value, post_id=target.id, holders_of=target.id),)
    if target.host is None and not by_author:
        # Whoever asked for it, only the author's word counts with hosts that do not know groups.
        wish = _in_the_authors_name(step, act.value, target)
        effects += (Send(sender_id=target.author_id, activity=wish, post_id=target.id, holders_of=target.id),)
    return effects


def _in_the_authors_name(step: Step, delete: vocab.Delete, target: PostFacts) -> vocab.Delete:
    return replace(delete, id=step.instance.activity_uri(fresh_token()), actor=target.author_uri, reason=None)
