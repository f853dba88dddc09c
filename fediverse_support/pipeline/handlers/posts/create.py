"""New posts, and posts that were fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from federation import vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Notify
from fediverse_support.domain.facts import PostFacts
from fediverse_support.domain.posts import PostStanding, may_become
from fediverse_support.domain.verdicts import Rank
from fediverse_support.pipeline.handlers import messages
from fediverse_support.pipeline.handlers.posts import edit, spread, words
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.posts import edits, missing
from fediverse_support.store.posts import posts as store
from fediverse_support.store.posts.posts import NewPost

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
        passed_on = spread.distribution(step, act, post, target.id)
        if passed_on and not await edits.has_words(tx, target.id, words.read(post, local=False)):
            # It was fetched in newer words than these, which are owed to everybody when their Update comes.
            await edits.mark_untold(tx, target.id)
        return Change(passed_on, target.id)
    if target.standing == "removed":
        await missing.find_again(tx, target.uri)
    return Change((), target.id)


async def on_observe(tx: Tx, step: Step, act: Authentic[vocab.Observe]) -> Change:
    """Store a post that was fetched, or what its origin changed in one we have."""
    post = act.value.object
    target = step.facts.target
    if target is None:
        return await _store(tx, step, act, post)
    if target.standing == "deleted" and step.facts.restores:
        return await _revive(tx, step, post, target)
    if target.standing == "held" and step.facts.approved:
        return await _show(tx, step, post, target)
    await missing.find_again(tx, target.uri)
    # What the origin says now counts, unless it is an older text that comes late.
    said_at = post.updated or post.published
    is_older = said_at is not None and said_at < target.words_at
    if not is_older and may_become(target.standing, "deleted"):
        await edit.take_over(tx, step, post, target, told=False)
    return Change((), target.id)


async def _show(tx: Tx, step: Step, post: vocab.Post, target: PostFacts) -> Change:
    """Let a held post appear that was fetched: our people hear of it, and nothing of it is passed on."""
    await store.set_standing(tx, target.id, STANDINGS[step.verdict.rank], ("held",))
    if step.verdict.rank is not Rank.ACCEPT:
        return Change((), target.id)
    await store.wake_thread(tx, target.id, step.now)
    return Change(await spread.news(tx, step, post, target.id), target.id)


async def _revive(tx: Tx, step: Step, post: vocab.Post, target: PostFacts) -> Change:
    """Show a post again whose author took the deletion back: judged anew, and told to nobody as news."""
    await store.revive_post(
        tx,
        target.id,
        STANDINGS[step.verdict.rank],
        words.read(post, local=False, group=step.facts.group_uri),
        edited_at=None if post.updated is None else words.when(post.updated, step.now),
        mentions=tuple(mention.href for mention in post.mentions),
        url=post.url,
        context_uri=post.context,
    )
    return Change((), target.id)


async def _store(
    tx: Tx, step: Step, act: Authentic[vocab.Create] | Authentic[vocab.Observe], post: vocab.Post
) -> Change:
    facts = step.facts
    if facts.actor is None:
        return Change()
    if facts.is_for_moderators:
        taken = await messages.take(tx, step, post)
        if taken is None or not facts.is_local:
            return taken or Change()
        # Its writer finds it among their own, as a private message; nobody else does.
        kept = await store.insert_posts(tx, [_row(step, post)], step.now)
        return replace(taken, post_id=kept.get(post.id))
    stored = step.stored
    if stored is None:
        stored = await store.insert_posts(tx, [_row(step, post)], step.now)
    post_id = stored.get(post.id)
    if post_id is None:
        return Change()
    if step.verdict.rank is Rank.HOLD:
        is_ours, author = facts.actor.account_id is not None, facts.actor.id
        told = (Notify(person_id=author, kind="held", post_id=post_id),) if is_ours else ()
        return Change(told, post_id)
    if step.verdict.rank is Rank.LIMIT:
        return Change((), post_id)
    is_old = isinstance(act.value, vocab.Observe) and act.value.is_old
    effects = () if is_old else await spread.news(tx, step, post, post_id)
    if isinstance(act.value, vocab.Create):
        await spread.announce_here(tx, step, post, post_id)
        effects += await spread.everywhere(tx, step, act, post, post_id)
    return Change(effects, post_id)


async def store_ahead(tx: Tx, steps: Sequence[tuple[Step, Authentic[vocab.Create]]]) -> list[Step]:
    """Store the new posts of a run in one statement, before each has its turn."""
    rows = [
        _row(step, act.value.object)
        for step, act in steps
        if isinstance(act.value.object, vocab.Post)
        and step.verdict.lets_in and step.facts.target is None and step.facts.actor is not None
        and not step.facts.is_for_moderators
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
    is_as_read = step.facts.is_local or await edits.has_words(tx, target.id, words.read(post, local=False))
    await store.wake_thread(tx, target.id, step.now)
    effects = await spread.news(tx, step, post, target.id)
    if target.author_account_id is not None:
        effects += (Notify(person_id=target.author_id, kind="approved", post_id=target.id),)
    await spread.announce_here(tx, step, post, target.id)
    if is_as_read:
        effects += await spread.everywhere(tx, step, act, post, target.id)
    else:
        effects += await spread.direct(tx, step, act.value, post, target.id)
    return Change(effects, target.id)


def _row(step: Step, post: vocab.Post) -> NewPost:
    facts = step.facts
    actor, parent = facts.actor, facts.parent
    if actor is None:
        raise ValueError("a post needs a known author")
    said = words.read(post, local=facts.is_local, group=facts.group_uri)
    place = None if facts.is_for_moderators else facts.group
    return NewPost(
        id=step.post_id,
        uri=post.id,
        kind=post.kind,
        author_id=actor.id,
        host=actor.host,
        group_id=None if place is None else place.id,
        written_in=None if place is None else place.kind,
        root_id=None if parent is None else parent.root_id,
        parent_id=None if parent is None else parent.id,
        parent_uri=post.in_reply_to,
        audience="direct" if facts.is_for_moderators else facts.audience,
        standing=STANDINGS[step.verdict.rank],
        title=said.title,
        body_html=said.body_html,
        body_source=said.body_source,
        body_text=said.body_text,
        warning=said.warning,
        sensitive=said.sensitive,
        language=said.language,
        url=post.url,
        context_uri=post.context,
        attachments=said.attachments or "[]",
        published_at=words.when(post.published, step.now),
        words_at=words.by_their_clock(post.updated or post.published, step.now) or words.BEFORE_ALL,
        mentions=tuple(mention.href for mention in post.mentions),
    )
