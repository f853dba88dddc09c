"""Load everything policy may know about some activities, in one statement however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from federation import addressing
from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain import house
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.audiences import narrower_kind
from fediverse_support.domain.facts import ActorFacts, Facts, GroupFacts, PostFacts, Proof
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.moderation import Severity, severity_for, strictest, suffixes
from fediverse_support.domain.posts import Audience
from fediverse_support.domain.question import Question

UNDONE_FOR: Final = timedelta(hours=24)
CHANGES: Final = frozenset({"Observe", "Update", "Delete", "Lock", "Undo Lock", "Undo Delete"})
# Two transactions on one post take turns from here on: else an edit judged on a post that is being deleted
# would bring its words back.
LOCK: Final = "select 1 from posts where uri = $1 for no key update"

# `is_followed` counts a follow that waits for its Accept: who was asked may speak before the Accept is here.
LOAD: Final = """
with who as materialized (
    select a.id, a.uri, a.kind, a.host, a.standing, a.account_id, acc.standing as account_standing,
           a.followers_uri, a.approves_followers,
           f.yes as is_followed
    from actors a cross join lateral is_followed_each(a.id) f (yes)
    left join accounts acc on acc.id = a.account_id
    where a.uri = any ($1::text[])
), what as materialized (
    select p.id, p.uri, p.host, p.author_id, au.uri as author_uri, au.account_id as author_account_id,
           p.group_id, p.written_in, p.root_id, p.parent_id, p.standing, p.audience,
           coalesce(p.words_at, p.edited_at, p.published_at) as words_at,
           exists (select 1 from posts r where r.id in (p.id, p.root_id) and r.is_locked) as is_locked
    from posts p join actors au on au.id = p.author_id
    where p.uri = any ($2::text[])
), me as materialized (
    select id from who where uri = any ($3::text[])
), places as materialized (
    select g.actor_id as id, a.uri, a.host, g.kind, g.approval, g.posting_restricted, a.followers_uri,
           f.yes as is_followed
    from groups g join actors a on a.id = g.actor_id
    cross join lateral is_followed_each(g.actor_id) f (yes)
    where g.actor_id in (select id from who where kind = 'group' union select group_id from what)
)
select
    house_now() as house,
    (select json_agg(who)::text from who) as actors,
    (select json_agg(what)::text from what) as posts,
    (select json_agg(places)::text from places) as groups,
    (select json_agg(json_build_array(me.id, places.id))::text from me, places
     where (select f.standing = 'accepted' from follows f
            where f.follower_id = me.id and f.target_id = places.id)) as members,
    (select json_agg(json_build_array(m.actor_id, m.group_id))::text from me, places, group_moderators m
     where m.actor_id = me.id and m.group_id = places.id) as moderators,
    (select json_agg(json_build_array(b.actor_id, b.group_id))::text from me, places, group_bans b
     where b.actor_id = me.id and b.group_id = places.id and (b.ends_at is null or b.ends_at > $8)) as banned,
    (select json_agg(json_build_array(r.domain, r.severity, r.reject_reports))::text
     from domain_rules r where r.domain = any ($4::text[] || array(
         select unnest(domain_suffixes(n.domain)) from host_names n
         where n.host = any ($9::text[])))) as rules,
    (select json_agg(json_build_array(n.host, n.domain))::text
     from host_names n where n.host = any ($9::text[])) as named_by,
    (select array_agg(t.uri) from tombstones t where t.uri = any ($5::text[])) as gone,
    (select json_agg(json_build_array(u.actor_uri, u.uri))::text from undone u
     where u.actor_uri = any ($3::text[]) and u.uri = any ($6::text[]) and u.undone_at > $7) as undone,
    (select json_agg(json_build_array(me.id, (select count(*) from (
        select 1 from posts p where p.author_id = me.id and p.standing in ('visible', 'limited')
        and p.group_id is not null limit 20) s)))::text from me) as visible,
    (select array_agg(o.parent_uri) from posts o
     where o.parent_id is null and o.parent_uri = any ($2::text[])) as awaited
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """One group as it is for everybody."""

    id: ActorId
    uri: Uri
    host: str | None
    kind: GroupKind
    approval: bool
    posting_restricted: bool
    followers_uri: Uri | None
    is_followed: bool


@dataclass(frozen=True, slots=True)
class _Post(PostFacts):
    """One post, with the kind that its group was of when it was written."""

    written_in: GroupKind | None


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer of `LOAD`, decoded. Pairs are of an actor and a group, by their rows."""

    house: str | None
    actors: dict[Uri, ActorFacts]
    posts: dict[Uri, _Post]
    places: dict[Uri, _Place]
    uris: dict[ActorId, Uri]
    members: set[tuple[int, int]]
    moderators: set[tuple[int, int]]
    banned: set[tuple[int, int]]
    rules: dict[str, Severity]
    named_by: set[tuple[str, str]]
    no_reports: frozenset[str]
    gone: frozenset[Uri]
    undone: set[tuple[str, str]]
    visible: dict[int, int]
    awaited: frozenset[Uri]


@dataclass(frozen=True, slots=True)
class _Found:
    """What concerns one question."""

    actors: dict[Uri, ActorFacts]
    posts: dict[Uri, _Post]
    groups: dict[Uri, GroupFacts]
    groups_by_id: dict[ActorId, GroupFacts]
    rules: dict[str, Severity]
    named_by: set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The facts for several questions; `awaited` are posts that replies wait for, which come with them."""

    facts: list[Facts]
    awaited: frozenset[Uri]


ACTORS: Final = msgspec.json.Decoder(list[ActorFacts])
POSTS: Final = msgspec.json.Decoder(list[_Post])
PLACES: Final = msgspec.json.Decoder(list[_Place])
DOMAINS: Final = msgspec.json.Decoder(list[tuple[str, Severity, bool]])
PAIRS: Final = msgspec.json.Decoder(set[tuple[int, int]])
NAMES: Final = msgspec.json.Decoder(set[tuple[str, str]])


async def _look_up(conn: Conn, questions: Sequence[Question], now: datetime) -> _Answer:
    hosts = {host for question in questions for host in question.hosts}
    domains = {domain for host in hosts for domain in suffixes(host)}
    row = await conn.fetchrow(
        LOAD,
        list(dict.fromkeys(uri for question in questions for uri in question.actors)),
        [uri for question in questions for uri in question.posts],
        list({question.actor for question in questions}),
        list(domains),
        [uri for question in questions for uri in question.ids],
        [uri for question in questions for uri in question.acts],
        now - UNDONE_FOR,
        now,
        list(hosts),
    )
    assert row is not None  # noqa: S101  (a select without `from` always has one row)
    places = PLACES.decode(row["groups"] or "[]")
    rules = DOMAINS.decode(row["rules"] or "[]")
    return _Answer(
        house=row["house"],
        actors={actor.uri: actor for actor in ACTORS.decode(row["actors"] or "[]")},
        posts={post.uri: post for post in POSTS.decode(row["posts"] or "[]")},
        places={place.uri: place for place in places},
        uris={place.id: place.uri for place in places},
        members=PAIRS.decode(row["members"] or "[]"),
        moderators=PAIRS.decode(row["moderators"] or "[]"),
        banned=PAIRS.decode(row["banned"] or "[]"),
        rules={domain: severity for domain, severity, _ in rules},
        named_by=NAMES.decode(row["named_by"] or "[]"),
        no_reports=frozenset(domain for domain, _, refused in rules if refused),
        gone=frozenset(row["gone"] or ()),
        undone=NAMES.decode(row["undone"] or "[]"),
        visible=dict(PAIRS.decode(row["visible"] or "[]")),
        awaited=frozenset(row["awaited"] or ()),
    )


def _of(answer: _Answer, question: Question) -> _Found:
    """Take out what one question named: nothing that another one of the same statement brought counts."""
    actors = {uri: answer.actors[uri] for uri in question.actors if uri in answer.actors}
    posts = {uri: answer.posts[uri] for uri in question.posts if uri in answer.posts}
    mine = actors.get(question.actor)
    named = [uri for uri in actors if uri in answer.places]
    named += [answer.uris[post.group_id] for post in posts.values() if post.group_id in answer.uris]
    groups = {uri: _as_seen(answer, answer.places[uri], mine) for uri in dict.fromkeys(named)}
    return _Found(
        actors, posts, groups, {group.id: group for group in groups.values()}, answer.rules,
        answer.named_by,
    )  # fmt: skip


def _as_seen(answer: _Answer, place: _Place, mine: ActorFacts | None) -> GroupFacts:
    pair = (-1 if mine is None else mine.id, place.id)
    return GroupFacts(
        id=place.id,
        uri=place.uri,
        host=None if place.host is None else Host(place.host),
        kind=place.kind,
        approval=place.approval,
        posting_restricted=place.posting_restricted,
        followers_uri=place.followers_uri,
        is_member=pair in answer.members,
        is_moderator=pair in answer.moderators,
        is_banned=pair in answer.banned,
        is_followed=place.is_followed,
    )


async def load(
    tx: Tx, instance: Instance, question: Question, *, proof: Proof, now: datetime, approved: bool
) -> Facts:
    """Return the facts for one question; `approved` says that a moderator let this very thing pass."""
    if question.verb in CHANGES and question.target is not None:
        await tx.execute(LOCK, question.target)
    answer = await _look_up(tx, [question], now)
    return _facts(instance, question, answer, proof=proof, approved=approved)


async def load_all(
    conn: Conn, instance: Instance, questions: Sequence[tuple[Question, Proof]], now: datetime
) -> Loaded:
    """Return the facts for new posts that have nothing to do with each other."""
    answer = await _look_up(conn, [question for question, _ in questions], now)
    facts = [_facts(instance, question, answer, proof=proof, approved=False) for question, proof in questions]
    return Loaded(facts, answer.awaited)


def _facts(instance: Instance, question: Question, answer: _Answer, *, proof: Proof, approved: bool) -> Facts:
    found = _of(answer, question)
    actor = found.actors.get(question.actor)
    parent = found.posts.get(question.parent) if question.parent else None
    target = found.posts.get(question.target) if question.target else None
    audience = _audience(question, found, actor)
    group = _as_written(_group(question, found, parent, target, audience), target or parent)
    mine = next(iter(question.hosts))
    decided = house.read(answer.house, instance.overrides)
    return Facts(
        verb=question.verb,
        proof=proof,
        actor_uri=question.actor,
        is_local=proof == "local",
        federation=decided.federation,
        newcomer_posts_held=decided.newcomer_posts_held,
        undo_for=decided.undo_for,
        sender=None if instance.is_ours(question.actor) else _rule(mine, found),
        named=_named(question, found, instance, target, parent),
        reports_rejected=any(
            domain in answer.no_reports for name in _names(mine, found) for domain in suffixes(name)
        ),
        actor=actor,
        group=group,
        parent=parent,
        target=target,
        target_actor=found.actors.get(question.target) if question.target else None,
        audience=audience,
        names_other_group=_names_other(question, found, parent, group),
        names_ours=_names_ours(question, found),
        tombstoned=not answer.gone.isdisjoint(question.ids),
        undone=any((question.actor, uri) in answer.undone for uri in question.acts),
        visible_posts=0 if actor is None else answer.visible.get(actor.id, 0),
        updated=question.updated,
        approved=approved,
        announced_by=found.groups.get(question.announced_by) if question.announced_by else None,
        restores=question.restores,
    )


def _audience(question: Question, found: _Found, actor: ActorFacts | None) -> Audience:
    followers = None if actor is None else actor.followers_uri
    return addressing.classify(
        question.audience,
        author_followers=followers,
        groups=frozenset(found.groups),
        group_followers=frozenset(
            group.followers_uri for group in found.groups.values() if group.followers_uri is not None
        ),
    )


def _group(
    question: Question, found: _Found, parent: PostFacts | None, target: PostFacts | None, audience: Audience
) -> GroupFacts | None:
    """Where it plays: the thread's group for a reply, else the first group named, ours before others."""
    if not question.has_post:
        if target is not None and target.group_id is not None:
            return found.groups_by_id.get(target.group_id)
        return next((found.groups[uri] for uri in question.places if uri in found.groups), None)
    if target is not None:
        return None if target.group_id is None else found.groups_by_id.get(target.group_id)
    if audience in ("followers", "direct"):
        return None
    if parent is not None:
        return None if parent.group_id is None else found.groups_by_id.get(parent.group_id)
    named = [found.groups[uri] for uri in question.places if uri in found.groups]
    return next((group for group in named if group.is_local), named[0] if named else None)


def _as_written(group: GroupFacts | None, about: _Post | None) -> GroupFacts | None:
    """The group as it is for a post in it, or below it: never wider than when that was written."""
    if group is None or about is None or about.group_id != group.id or about.written_in is None:
        return group
    return replace(group, kind=narrower_kind(about.written_in, group.kind))


def _names_other(
    question: Question, found: _Found, parent: PostFacts | None, group: GroupFacts | None
) -> bool:
    """A reply claims, by audience or address, a group of ours that is not its thread's."""
    if not question.has_post or parent is None:
        return False
    claimed = {*question.audience.everyone} & found.groups.keys()
    own = None if group is None else group.id
    return any(found.groups[uri].is_local and found.groups[uri].id != own for uri in claimed)


def _names_ours(question: Question, found: _Found) -> bool:
    return any(
        actor.host is None and actor.kind == "person" and actor.uri in question.places
        for actor in found.actors.values()
    )


def _named(
    question: Question, found: _Found, instance: Instance, target: PostFacts | None, parent: PostFacts | None
) -> tuple[Severity, ...]:
    """The rules on other hosts involved: whose post is answered or acted on, whose group it is."""
    others = [host for host in question.hosts[1:] if host != instance.host]
    others += [post.host for post in (target, parent) if post is not None and post.host is not None]
    return tuple(rule for host in dict.fromkeys(others) if (rule := _rule(host, found)))


def _names(host: str, found: _Found) -> tuple[str, ...]:
    """A host's own name, and the domains by which it names its people."""
    return (host, *(domain for place, domain in found.named_by if place == host))


def _rule(host: str, found: _Found) -> Severity | None:
    return strictest(severity_for(name, found.rules) for name in _names(host, found))
