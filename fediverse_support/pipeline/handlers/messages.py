"""What is written to a group of ours and not for everybody: it goes to its moderators and to nobody else."""

from __future__ import annotations

from federation import vocab
from fediverse_support.db.pool import Tx
from fediverse_support.domain import automatic
from fediverse_support.domain.effects import Effect, Notify, Send
from fediverse_support.domain.facts import ActorFacts, GroupFacts
from fediverse_support.domain.ids import fresh_token
from fediverse_support.pipeline.handlers.posts import words
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store import follows, messages
from fediverse_support.store.messages import Kept, NewMessage


async def take(tx: Tx, step: Step, post: vocab.Post) -> Change:
    """Keep a message for the moderators, tell them of it, and answer its writer once in a while."""
    actor, group = step.facts.actor, step.facts.group
    if actor is None or group is None:
        return Change()
    said = words.read(post, local=False)
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
        return Change()
    accounts = await follows.moderator_accounts(tx, group.id)
    effects: tuple[Effect, ...] = tuple(
        Notify(account_id=account, kind="message", actor_id=group.id) for account in accounts
    )
    if _is_answered(step, actor, kept):
        await messages.note_answer(tx, kept.id, step.now)
        effects += (_answer(step, group, actor, post, kept),)
    return Change(effects)


def _is_answered(step: Step, actor: ActorFacts, kept: Kept) -> bool:
    """Only people are answered, and not again for some days: two automatons would never stop."""
    if actor.host is None or actor.kind != "person":
        return False
    return kept.answered_at is None or kept.answered_at + automatic.ANSWERED_FOR <= step.now


def _answer(step: Step, group: GroupFacts, actor: ActorFacts, post: vocab.Post, kept: Kept) -> Send:
    only_them = vocab.Audience(to=(actor.uri,))
    note = vocab.Post(
        id=step.instance.post_uri(fresh_token()),
        kind="Note",
        attributed_to=group.uri,
        audience=only_them,
        content=automatic.answer_to_message(kept.group_title, step.instance.help_url),
        language="en",
        in_reply_to=post.id,
        published=step.now,
        mentions=(vocab.Mention(actor.uri, f"@{kept.author_name}@{kept.author_host}"),),
    )
    create = vocab.Create(
        id=step.instance.activity_uri(fresh_token()),
        actor=group.uri,
        object=note,
        audience=only_them,
        published=step.now,
    )
    return Send(sender_id=group.id, activity=create, to=(actor.id,))
