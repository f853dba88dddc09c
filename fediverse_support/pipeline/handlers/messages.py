"""What is written to a group of ours and not for everybody: it goes to its moderators and to nobody else."""

from __future__ import annotations

from federation import uris, vocab
from fediverse_support.db.pool import Tx
from fediverse_support.domain import automatic, richtext
from fediverse_support.domain.effects import Effect, Notify, Send
from fediverse_support.domain.facts import ActorFacts, GroupFacts
from fediverse_support.domain.ids import fresh_token
from fediverse_support.pipeline.handlers.people import notes
from fediverse_support.pipeline.handlers.posts import words
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.moderation import messages
from fediverse_support.store.moderation.messages import Kept, NewMessage
from fediverse_support.store.people import follows
from fediverse_support.store.people.follows import Reader
from fediverse_support.store.posts import posts
from fediverse_support.store.posts.posts import NewPost


async def take(tx: Tx, step: Step, post: vocab.Post) -> Change | None:
    """Keep a message for the moderators, tell them of it, and answer its writer once in a while.

    None where it is not kept: it is here already, or its writer has too many waiting.
    """
    actor, group = step.facts.actor, step.facts.group
    if actor is None or group is None:
        return None
    said = words.read(post, local=step.facts.is_local)
    kept = await messages.insert(
        tx,
        NewMessage(
            uri=post.id,
            group_id=group.id,
            author_id=actor.id,
            warning=said.warning,
            body_html=said.body_html,
            language=said.language,
        ),
        step.now,
    )
    if kept is None:
        return None
    moderators = await follows.moderators_here(tx, group.id)
    effects: tuple[Effect, ...] = tuple(
        Notify(person_id=each, kind="message", actor_id=group.id) for each in moderators
    )
    if _is_answered(step, actor, kept):
        await messages.note_answer(tx, kept.id, step.now)
        effects += (await _answer(tx, step, group, actor, post, kept=kept),)
    return Change(effects)


def _is_answered(step: Step, actor: ActorFacts, kept: Kept) -> bool:
    """Only people are answered, and not again for some days: two automatons would never stop."""
    if actor.kind != "person":
        return False
    return kept.answered_at is None or kept.answered_at + automatic.ANSWERED_FOR <= step.now


async def _answer(
    tx: Tx, step: Step, group: GroupFacts, actor: ActorFacts, post: vocab.Post, *, kept: Kept
) -> Effect:
    if actor.account_id is not None:
        return await _answer_here(tx, step, group, actor, kept=kept)
    return _answer_there(step, group, actor, post, kept)


async def _answer_here(tx: Tx, step: Step, group: GroupFacts, writer: ActorFacts, *, kept: Kept) -> Notify:
    """Answer one of our own people: the same words, as a private message that never leaves."""
    content = automatic.answer_to_message(kept.group_title, step.instance.help_url)
    uri = step.instance.post_uri(fresh_token())
    answer = NewPost(
        id=None,
        uri=uri,
        kind="Note",
        author_id=group.id,
        host=None,
        group_id=None,
        written_in=None,
        root_id=None,
        parent_id=None,
        parent_uri=None,
        audience="direct",
        standing="visible",
        title="",
        body_html=content,
        body_source=None,
        body_text=richtext.plain(content),
        warning="",
        sensitive=False,
        language="en",
        url=None,
        context_uri=None,
        attachments="[]",
        published_at=step.now,
        words_at=step.now,
        mentions=(writer.uri,),
    )
    stored = await posts.insert_posts(tx, [answer], step.now)
    return Notify(person_id=writer.id, kind="mention", actor_id=group.id, post_id=stored.get(uri))


def _answer_there(step: Step, group: GroupFacts, actor: ActorFacts, post: vocab.Post, kept: Kept) -> Send:
    content = automatic.answer_to_message(kept.group_title, step.instance.help_url)
    writer = Reader(actor.id, actor.uri, kept.author_name, kept.author_host or uris.host(actor.uri))
    return notes.write(step, writer, content, group_id=group.id, group=group.uri, answering=post.id)
