"""What moderators and admins decide: about posts, people and other servers. Each leaves a line in the
record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from federation import authenticity, uris, vocab
from federation import documents as documents_of
from federation.authenticity import Authentic
from federation.errors import Malformed
from federation.uris import Uri
from fediverse_support.actions import own
from fediverse_support.actions.exchange import intake
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain import documents, plaintext
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import Conflict, Invalid, NotFound
from fediverse_support.domain.ids import AccountId, PostId, ReportId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.moderation import NOT_SAID, SEVERITIES, DomainRule, is_wide
from fediverse_support.domain.posts import Post
from fediverse_support.domain.verdicts import Rank
from fediverse_support.pipeline import outbox
from fediverse_support.pipeline.apply import apply
from fediverse_support.policy import access
from fediverse_support.reads import house
from fediverse_support.reads.posts import own_posts
from fediverse_support.store.moderation import domain_rules, held, reports
from fediverse_support.store.posts import posts

MAX_REASON: Final = 500


async def set_domain_rule(
    db: Db, instance: Instance, by: Person | None, rule: DomainRule, *, is_meant: bool = False
) -> DomainRule:
    """Decide about a domain and its subdomains; it is in force when this returns. `by` None: command line.

    Returns the rule, its domain normalised. Raises `NotFound` for whoever decides about no servers, `Invalid`
    for what is no severity, and for a domain with
    the code `malformed` (none), `ours` (this server itself), or `wide`: that is one under which strangers
    have their names, and takes `is_meant`.
    """
    account_id = _rules(by)
    domain = domain_of(rule.domain)
    if domain == instance.host:
        raise Invalid({"domain": "ours"})
    if is_wide(domain) and not is_meant:
        raise Invalid({"domain": "wide"}, domain=domain)
    rule = replace(
        rule,
        domain=domain,
        reason=rule.reason.strip(),
        private_note=rule.private_note.strip(),
    )
    if rule.severity not in SEVERITIES:
        raise Invalid({"severity": "unknown"})
    if max(len(rule.reason), len(rule.private_note)) > MAX_REASON or "\0" in rule.reason + rule.private_note:
        raise Invalid({"reason": "too_long"})
    async with db.transaction() as tx:
        before = await domain_rules.in_force(tx, rule.domain)
        await domain_rules.upsert(tx, rule, account_id, db.now())
        await intake.go_on(tx, rule.domain, db.now())
        decided = await house.find(tx, instance.overrides)
        if not decided.talks_to(before) and decided.talks_to(rule.severity):
            await intake.look_again(tx, rule.domain, db.now())
        await reports.log_action(
            tx, account_id, f"domain_{rule.severity}", rule.domain, rule.reason, db.now()
        )
    return rule


def _rules(by: Person | None) -> AccountId | None:
    """Return whose decision about a server goes into the record; raise `NotFound` for whoever has none."""
    if by is not None and not access.may(by.roles, "rule"):
        raise NotFound
    return None if by is None else by.account_id


async def clear_domain_rule(db: Db, by: Person | None, domain: str, reason: str = "") -> None:
    """Lift the rule on a domain; what it hid is there again. `by` None: command line.

    Raises `NotFound` when there is none, and for whoever decides about no servers.
    """
    account_id = _rules(by)
    name = domain_of(domain)
    async with db.transaction() as tx:
        if await domain_rules.find_severity(tx, name) is None:
            raise NotFound(code="no_rule", name=name)
        before = await domain_rules.in_force(tx, name)
        await domain_rules.delete(tx, name)
        await intake.go_on(tx, name, db.now())
        if before == "suspend" and await domain_rules.in_force(tx, name) != "suspend":
            await intake.look_again(tx, name, db.now())
        await reports.log_action(tx, account_id, "domain_cleared", name, reason[:MAX_REASON], db.now())


def domain_of(text: str) -> str:
    """Return a domain as rules name it; people may also type a handle, an address or a wildcard.

    Raises `Invalid` for what is none.
    """
    text = text.strip().removeprefix("*.").rpartition("@")[2]
    if "://" in text:
        text = text.split("://", 1)[1].split("/", 1)[0]
    try:
        return uris.parse_host(text)
    except Malformed as error:
        raise Invalid({"domain": "malformed"}) from error


async def approve_post(db: Db, instance: Instance, person: Person, post_id: PostId) -> None:
    """Let a held post appear, and be sent where it would have gone.

    Raises `NotFound`, `Conflict` if it waits no more, or (`cannot_appear`) where its author may not write
    there now or what it answers is gone.
    """
    now = db.now()
    async with db.transaction() as tx:
        post = await _moderated(tx, person, post_id)
        if post.standing != "held":
            raise Conflict(code="decided_already")
        if not await held.may_appear(tx, post_id, now):
            raise Conflict(code="cannot_appear")
        if post.host is None:
            await _approve_ours(tx, instance, post, now)
        else:
            await _approve_theirs(tx, instance, post, now)
        await reports.log_action(tx, person.account_id, "post_approved", str(post_id), "", now)


async def _approve_ours(tx: Tx, instance: Instance, post: Post, now: datetime) -> None:
    """Send the newest words: what was edited while it waited never was otherwise."""
    row = await own_posts.find_own(tx, post.id, post.author_id)
    if row is None:
        raise NotFound
    document = documents.post_document(row, instance)
    create = vocab.Create(
        id=instance.activity_uri(fresh_token()),
        actor=row.author_uri,
        object=document,
        audience=document.audience,
        published=now,
    )
    await own.submit(tx, instance, create, now, approved=True)


async def _approve_theirs(tx: Tx, instance: Instance, post: Post, now: datetime) -> None:
    """Take the author's own activity, in the words that were read when it was approved.

    Of one that was fetched there is none: what its origin served is taken. Raises `Conflict` where something
    else stands against it now, such as a ban.
    """
    kept = await held.find_activities(tx, post.uri)
    acts = [authenticity.from_stored(document.encode(), Uri(actor)) for actor, document in kept]
    for act in _as_approved([act for act in acts if isinstance(act, Authentic)]):
        outcome = await apply(tx, instance, act, now, approved=True)
        await outbox.wake(tx, outcome.hosts)
    seen = await held.find_held(tx, post.id)
    if seen is not None:
        outcome = await apply(tx, instance, authenticity.from_held(seen), now, approved=True)
        if outcome.verdict.rank >= Rank.DROP:
            raise Conflict(code="cannot_appear")
        await outbox.wake(tx, outcome.hosts)
    await held.forget(tx, post.uri)


def _as_approved(acts: list[Authentic[vocab.Activity]]) -> list[Authentic[vocab.Activity]]:
    """Return the Create with the words of the last edit; nobody approved those before it."""
    edits = [act.raw for act in acts if isinstance(act.value, vocab.Update) and act.raw is not None]
    first = acts[0] if acts else None
    if not edits or first is None or first.raw is None or not isinstance(first.value, vocab.Create):
        return acts
    document = {**documents_of.parse(first.raw), "object": documents_of.parse(edits[-1])["object"]}
    # A proof that the author's server may have put inside was one of other words.
    kept = {name: value for name, value in document.items() if name not in authenticity.SELF_SIGNED}
    raw = msgspec.json.encode(kept)
    newest = authenticity.from_stored(raw, first.value.actor)
    return [newest] if isinstance(newest, Authentic) else acts


async def refuse_post(db: Db, instance: Instance, person: Person, post_id: PostId, reason: str = "") -> None:
    """Keep a held post from appearing. Raises `NotFound`, `Conflict` if it waits no more."""
    async with db.transaction() as tx:
        post = await _moderated(tx, person, post_id)
        if post.standing != "held":
            raise Conflict(code="decided_already")
        await _remove(tx, instance, post, "", db.now())
        # It was kept to be passed on, which will not happen.
        await held.forget(tx, post.uri)
        await _log(tx, person, "post_removed", str(post_id), reason, db.now())


async def remove_post(
    db: Db, instance: Instance, person: Person, post_id: PostId, reason: str = "", *, told: str = ""
) -> None:
    """Take a post out of its group, and ask other servers to do the same.

    `reason` stays with our team. `told` is published: its author and other servers read it. Raises `Invalid`,
    `NotFound`, `Conflict`.
    """
    told = public_words(told)
    async with db.transaction() as tx:
        post = await _moderated(tx, person, post_id)
        if post.standing in ("removed", "deleted"):
            raise Conflict(code="decided_already")
        await _remove(tx, instance, post, told, db.now())
        await _log(tx, person, "post_removed", str(post_id), reason or told, db.now())


def public_words(text: str) -> str:
    """Return a published reason as one tidy line; raise `Invalid` where it is too long."""
    words = plaintext.one_line(text, MAX_REASON + 1)
    if len(words) > MAX_REASON:
        raise Invalid({"told": "too_long"})
    return words


async def _remove(tx: Tx, instance: Instance, post: Post, told: str, now: datetime) -> None:
    """Have the post's group take it out, or this server where the group is not ours: never a person."""
    group_uri = await held.group_uri(tx, post.group_id)
    own_group = group_uri is not None and instance.is_ours(group_uri)
    to = (vocab.PUBLIC, group_uri) if post.audience in ("public", "unlisted") else ()
    act = vocab.Delete(
        id=instance.activity_uri(fresh_token()),
        actor=group_uri if group_uri is not None and own_group else instance.actor_uri,
        object=post.uri,
        # Without any words, other software takes it for the author's own deletion.
        reason=told or NOT_SAID,
        deleted=now,
        audience=vocab.Audience(to=tuple(uri for uri in to if uri is not None), group=group_uri),
    )
    await own.submit(tx, instance, act, now)


async def _log(tx: Tx, person: Person, action: str, subject: str, reason: str, now: datetime) -> None:
    await reports.log_action(tx, person.account_id, action, subject, reason[:MAX_REASON], now)


async def _moderated(tx: Tx, person: Person, post_id: PostId) -> Post:
    """Return a post that this person answers for as a moderator, locked; raise `NotFound` for any other."""
    if not await held.may_moderate(tx, post_id, person):
        raise NotFound
    post = await posts.find_post(tx, post_id)
    if post is None:
        raise NotFound
    return post


async def resolve_report(db: Db, person: Person, report_id: ReportId) -> None:
    """Close a report. Raises `NotFound` unless the person moderates its group or this instance."""
    async with db.transaction() as tx:
        if not await held.may_resolve(tx, report_id, person):
            raise NotFound
        await reports.resolve_report(tx, report_id, person.account_id, db.now())
        await reports.log_action(tx, person.account_id, "report_resolved", str(report_id), "", db.now())
