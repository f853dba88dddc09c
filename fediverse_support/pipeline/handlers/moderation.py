"""What moderators decide, in groups of ours and in those elsewhere, and reports from wherever they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from federation import uris, vocab
from federation.authenticity import Authentic
from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain import plaintext
from fediverse_support.domain.effects import Effect, Notify, Relay, Send
from fediverse_support.domain.facts import ActorFacts, GroupFacts, PostFacts
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.pipeline.handlers.people.follows import membership, say
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.policy.deciding import decides
from fediverse_support.store import groups
from fediverse_support.store.moderation import held, removals, reports
from fediverse_support.store.people import follows
from fediverse_support.store.posts import posts

MOST_SAID: Final = 5_000
"""Characters of a report, with the ids below its words."""
MOST_NAMED: Final = 10
"""So many ids of what is not here stand below a report's words."""


async def on_flag(tx: Tx, step: Step, act: Authentic[vocab.Flag]) -> Change:
    """Store a report for the moderators; of other servers' reports only public posts are linked.

    What it names and is not here stands below its words, by its id.
    """
    local = step.facts.is_local
    about = await reports.find_targets(tx, act.value.objects, trusted=local)
    if not about.post_ids and about.target_id is None and not about.absent:
        return Change()
    actor, group = step.facts.actor, step.facts.group
    is_told = group is not None and group.is_local and group.kind == "open"
    await reports.insert_report(
        tx,
        uri=act.value.id,
        reporter_id=actor.id if local and actor is not None else None,
        from_host=None if local else uris.host(act.value.actor),
        target_id=about.target_id,
        post_ids=about.post_ids,
        told_id=group.id if group is not None and is_told else None,
        reason="other",
        body=_said(plaintext.tidy(act.value.content), about.absent),
        now=step.now,
    )
    return Change()


def _said(words: str, absent: Sequence[Uri]) -> str:
    """Return the words of a report and below them, whole, the ids of what it names and is not here."""
    below = "\n".join(uri for uri in absent[:MOST_NAMED] if len(uri) <= MOST_SAID // MOST_NAMED // 2)
    return "\n".join(part for part in (words[: MOST_SAID - len(below) - 1].strip(), below) if part)


async def on_lock(tx: Tx, step: Step, act: Authentic[vocab.Lock]) -> Change:
    """Take no more answers to a post, because its group says so."""
    return await _set_locked(tx, step, act, reason=act.value.reason, to=True)


async def on_undo_lock(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Take answers again, because its group says so."""
    change = await _set_locked(tx, step, act, reason="", to=False)
    return change if change.post_id is not None else await _came_first(tx, step, act.value)


async def _came_first(tx: Tx, step: Step, undo: vocab.Undo) -> Change:
    """Remember that something was taken back which may still be on its way."""
    if not isinstance(undo.object, str) and undo.object.id is not None:
        await follows.remember_undone(tx, undo.object.actor, undo.object.id, step.now)
    return Change()


async def _set_locked(
    tx: Tx, step: Step, act: Authentic[vocab.Lock] | Authentic[vocab.Undo], *, reason: str, to: bool
) -> Change:
    target, group = step.facts.target, step.facts.group
    if target is None or group is None:
        return Change()
    if not (
        await posts.pause(tx, target.id, group.id, reason, step.now)
        if to
        else await posts.go_on(tx, target.id)
    ):
        return Change()
    effects: tuple[Effect, ...] = ()
    if target.author_account_id is not None and target.standing in ("visible", "limited"):
        effects += (
            Notify(
                person_id=target.author_id,
                kind="locked" if to else "unlocked",
                actor_id=group.id,
                post_id=target.id,
                words=reason,
            ),
        )
    return Change(effects + _passed_on(step, act, target), target.id)


def _passed_on(
    step: Step, act: Authentic[vocab.Lock] | Authentic[vocab.Undo], target: PostFacts
) -> tuple[Effect, ...]:
    """What a group of ours tells those of its followers' servers that hold the post, word for word."""
    group = step.facts.group
    if group is None or not group.is_local or group.kind != "open" or act.raw is None:
        return ()
    if target.audience not in ("public", "unlisted"):
        return ()
    return (Relay(group_id=group.id, activity=act.value, raw=act.raw, post_id=target.id),)


async def on_ban(tx: Tx, step: Step, act: Authentic[vocab.Block]) -> Change:
    """Shut somebody out of a group until the ban ends, and out of what they wrote there if that is asked.

    A member of ours in a group elsewhere leaves it there, too: many servers keep the membership of whom they
    shut out, and never answer who asks to join again.
    """
    who, group, ban = step.facts.target_actor, step.facts.group, act.value
    if who is None or group is None or who.kind == "group" or (ban.ends is not None and ban.ends <= step.now):
        return Change()
    if not group.is_local and not await groups.takes_part(tx, group.id, who.id):
        # A group may shut out whom it likes; here it matters only for those who were ever in it.
        return Change()
    by = None if step.facts.actor is None else step.facts.actor.id
    await groups.ban(tx, group.id, who.id, ban.reason, by, step.now, ends_at=ban.ends)
    follow = await held.end_membership(tx, group.id, who.id, step.now)
    if ban.removes:
        await removals.take_out_all(tx, who.id, group.id, ban.reason, step.now)
    effects: tuple[Effect, ...] = ()
    if who.account_id is not None:
        effects += (Notify(person_id=who.id, kind="banned", actor_id=group.id, words=ban.reason),)
    effects += _told_about(step, act, group, who)
    if follow is not None and group.is_local and who.host is not None:
        effects += (say(step, vocab.Reject, membership(who, group, *follow), by=group, to=who),)
    if follow is not None and not group.is_local and who.host is None:
        effects += (say(step, vocab.Undo, membership(who, group, *follow), by=who, to=group),)
    return Change(effects)


def _told_about(
    step: Step, act: Authentic[vocab.Block] | Authentic[vocab.Undo], group: GroupFacts, who: ActorFacts
) -> tuple[Effect, ...]:
    """A ban by a group of ours is told to whom it is about, and goes round only where it is public."""
    if not group.is_local or group.kind != "open" or act.raw is None:
        return ()
    effects: tuple[Effect, ...] = ()
    if who.host is not None and act.value.actor == group.uri:
        effects += (Send(sender_id=group.id, activity=act.value, to=(who.id,)),)
    if act.value.audience.is_public:
        effects += (Relay(group_id=group.id, activity=act.value, raw=act.raw),)
    return effects


async def on_undo_ban(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Let somebody into a group again; they may ask to join like anybody else."""
    who, group = step.facts.target_actor, step.facts.group
    if who is None or group is None or not await groups.unban(tx, group.id, who.id):
        return await _came_first(tx, step, act.value)
    effects: tuple[Effect, ...] = ()
    if who.account_id is not None:
        effects += (Notify(person_id=who.id, kind="unbanned", actor_id=group.id),)
    return Change(effects + _told_about(step, act, group, who))


async def on_restore(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Show a post again that its group had taken out; pass on that an author took a deletion back.

    The words of a deleted post come from its origin alone; the worker has asked before this is reached.
    """
    facts, target = step.facts, step.facts.target
    if target is None or facts.group is None:
        return Change()
    if decides(facts):
        change = await let_back(tx, step, target)
        if change.post_id is None:
            return change
        return Change(change.effects + _passed_on(step, act, target), target.id)
    if facts.actor_uri != target.author_uri or act.proof != "signature":
        return Change()
    await _came_first(tx, step, act.value)
    return Change(_passed_on(step, act, target), target.id)


async def let_back(tx: Tx, step: Step, target: PostFacts) -> Change:
    """Show a post again, if this very group had taken it out, and tell its author."""
    group = step.facts.group
    if group is None or not await removals.let_back(tx, target.id, group.id):
        return Change()
    if target.author_account_id is None:
        return Change((), target.id)
    told = Notify(
        person_id=target.author_id, kind="restored", actor_id=group.id, post_id=target.id
    )
    return Change((told,), target.id)


async def take_out(
    tx: Tx, step: Step, post_id: PostId, author_id: ActorId | None, group_id: ActorId, reason: str
) -> Change:
    """Hide a post by the word of its group elsewhere, and tell its author if it is one of ours."""
    if not await removals.take_out(tx, post_id, group_id, reason, step.now):
        return Change()
    if author_id is None:
        return Change((), post_id)
    told = Notify(person_id=author_id, kind="removed", actor_id=group_id, post_id=post_id, words=reason)
    return Change((told,), post_id)
