"""Opening a group."""

from __future__ import annotations

import re
from typing import Final

from fediverse_support.actions import local_keys, names, own
from fediverse_support.db.pool import Db
from fediverse_support.domain import plaintext, richtext
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.errors import Invalid, NotFound
from fediverse_support.domain.ids import ActorId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.reads import house
from fediverse_support.store import groups
from fediverse_support.store.accounts import accounts
from fediverse_support.store.people.local_actors import NewActor, insert_local_actor

KINDS: Final[tuple[GroupKind, ...]] = ("home", "home-open", "circle", "open")
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
MAX_TITLE: Final = 100
MAX_SUMMARY: Final = 2000


async def create_group(
    db: Db,
    instance: Instance,
    secret: bytes,
    *,
    name: str,
    title: str,
    kind: GroupKind,
    summary: str = "",
    moderators: tuple[str, ...] = (),
    language: str | None = None,
    approval: bool | None = None,
) -> ActorId:
    """Open a group with its actor and name; `moderators` are login names, who become members too.

    `approval` None means: asked for in home and circle groups, not in the others; `language` None means that
    of the house. Raises `Invalid` (name,
    title, kind,
    summary, language), `Conflict` for a taken name, `NotFound` for a moderator who is no active account.
    """
    name = names.check_name(name)
    title = plaintext.one_line(title, MAX_TITLE + 1)
    _check(title, kind, summary, language or "en")
    key = await local_keys.make_key_pair(secret)
    asks = kind in ("home", "circle") if approval is None else approval
    now = db.now()
    async with db.transaction() as tx:
        await names.refuse_taken(tx, name)
        persons = await groups.find_persons(tx, moderators)
        missing = [wanted for wanted in moderators if wanted.lower() not in persons]
        if missing:
            raise NotFound(code="no_account", name=missing[0])
        actor = NewActor(
            kind="group",
            uri=instance.group_uri(fresh_token()),
            name=name,
            display_name=title,
            summary_html=richtext.from_markdown(summary),
            summary_source=summary,
            url=instance.group_url(name),
            public_key_pem=key.public_pem,
            sealed_key=key.sealed,
            approves_followers=kind == "circle",
        )
        group_id = await insert_local_actor(tx, instance, actor, now)
        assert group_id is not None  # noqa: S101  (its URI is random)
        await accounts.take_name(tx, name, group_id, now)
        spoken = language or (await house.find(tx, instance.overrides)).language
        await groups.insert(tx, group_id, kind=kind, title=title, language=spoken, approval=asks, now=now)
        await groups.name_moderators(tx, group_id, [person.id for person in persons.values()], now)
        for person in persons.values():
            # They are let in by the same door as everybody, as moderators.
            await own.submit(tx, instance, own.wish(instance, person.uri, actor.uri), now)
    return group_id


def _check(title: str, kind: str, summary: str, language: str) -> None:
    wrong: dict[str, str] = {}
    if not title:
        wrong["title"] = "empty"
    elif len(title) > MAX_TITLE:
        wrong["title"] = "too_long"
    if kind not in KINDS:
        wrong["kind"] = "unknown"
    if len(summary) > MAX_SUMMARY or "\0" in summary:
        wrong["summary"] = "too_long"
    if not LANGUAGE.match(language):
        wrong["language"] = "malformed"
    if wrong:
        raise Invalid(wrong, most_title=MAX_TITLE, most_summary=MAX_SUMMARY, kinds=", ".join(KINDS))
