"""An account with several names reads with all of them, and acts under the one that belongs in the place."""

from __future__ import annotations

import hashlib
import html

import pytest

from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import NotFound
from fediverse_support.domain.ids import ActorId, FollowId, fresh_token
from fediverse_support.domain.posts import Draft
from fediverse_support.reads import notices
from fediverse_support.reads.accounts import find_bearer
from fediverse_support.reads.posts.windows import Window
from fediverse_support.store.accounts import accounts as store
from fediverse_support.store.people.local_actors import NewActor, insert_local_actor
from fediverse_support.web.words import reasons
from tests.builders import key_pair
from tests.integration.site import Site, make_site, went_to

pytestmark = pytest.mark.postgres


async def take_name(site: Site, account: str, name: str, group: str) -> Person:
    """Give an account a name for a group, and let it in there."""
    owner, key, instance = site.people[account], key_pair(3), site.deps.instance
    uri, now = instance.person_uri(fresh_token()), site.db.now()
    async with site.db.transaction() as tx:
        actor_id = await insert_local_actor(
            tx, instance,
            NewActor(
                kind="person", uri=uri, name=name, display_name=name, url=instance.profile_url(name),
                public_key_pem=key.public_pem, sealed_key=key.sealed, approves_followers=True,
                account_id=owner.account_id, for_group_id=site.groups[group],
            ),
            now,
        )  # fmt: skip
        assert actor_id is not None
        await store.take_name(tx, name, actor_id, now)
    site.people[name] = Person(owner.account_id, owner.roles, actor_id, uri, name)
    await following.follow(site.db, instance, site.people[name], site.groups[group], is_invited=True)
    number = await site.value("select id from follows where follower_id = $1", actor_id)
    await following.decide_member(site.db, instance, site.people["asha"], FollowId(number), accept=True)
    return site.people[name]


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Wren has a name of her own in a quiet room, where nobody knows her as Wren."""
    site = await make_site(db, monkeypatch)
    await site.group("quiet", "A quiet room", "home", moderators=("asha",))
    await take_name(site, "wren", "dunnock", "quiet")
    return site


async def author_of(site: Site, body: str) -> str:
    return str(
        await site.value(
            "select a.name from posts p join actors a on a.id = p.author_id where p.body_source = $1", body
        )
    )


async def test_a_page_shows_what_any_name_of_the_account_may_read(site: Site) -> None:
    quiet = await site.writes("asha", "Only here.", group="quiet", title="Hush")
    front = await site.writes("asha", "In front.", group="frontroom", title="Tea")
    home = (await site.get("/home", "wren")).text
    assert "Hush" in home and "Tea" in home and "A quiet room" in home and "The front room" in home
    assert "Only here." in (await site.get(f"/g/quiet/t/{quiet}", "wren")).text
    assert "In front." in (await site.get(f"/g/frontroom/t/{front}", "wren")).text
    assert (await site.get(f"/g/quiet/t/{quiet}", "marlow")).status_code == 404


async def test_the_profile_of_a_name_for_a_closed_group_is_there_for_its_members_only(site: Site) -> None:
    found = {who: (await site.get("/@dunnock", who)).status_code for who in ("wren", "asha", "marlow", None)}
    assert found == {"wren": 200, "asha": 200, "marlow": 404, None: 404}
    assert (await site.get("/@wren", "marlow")).status_code == 200


async def test_what_is_said_in_a_group_is_said_under_the_name_for_it(site: Site) -> None:
    root = await site.writes("asha", "Only here.", group="quiet")
    for path in ("/g/quiet/write", f"/g/quiet/t/{root}", f"/g/quiet/t/{root}/reply"):
        page = html.unescape((await site.get(path, "wren")).text)
        assert "You are <b><bdi>dunnock</bdi></b>" in page and "wren" not in page.split("<main", 1)[1]
    went_to(await site.post("/g/quiet/write", "wren", {"body": "A thread.", "title": "Mine"}))
    went_to(await site.post(f"/g/quiet/t/{root}/reply", "wren", {"body": "An answer.", "to": str(root)}))
    went_to(await site.post("/g/frontroom/write", "wren", {"body": "In front.", "title": "Here"}))
    said = [await author_of(site, body) for body in ("A thread.", "An answer.", "In front.")]
    assert said == ["dunnock", "dunnock", "wren"]


async def test_ones_own_post_is_changed_and_removed_under_the_name_it_was_written_under(site: Site) -> None:
    post = await site.writes("dunnock", "Mine.", group="quiet", title="Mine")
    page = html.unescape((await site.get(f"/g/quiet/t/{post}", "wren")).text)
    assert '<span class="tag">You</span>' in page and f"/post/{post}/edit" in page
    assert "You are <b><bdi>dunnock" in html.unescape((await site.get(f"/post/{post}/edit", "wren")).text)
    went_to(await site.post(f"/post/{post}/edit", "wren", {"body": "Changed.", "title": "Mine"}))
    assert await author_of(site, "Changed.") == "dunnock"
    went_to(await site.post(f"/post/{post}/remove", "wren"))
    assert await site.value("select standing from posts where id = $1", post) == "deleted"


async def test_whoever_acts_may_itself_read_what_it_acts_on(site: Site) -> None:
    root = await site.writes("asha", "Only here.", group="quiet")
    with pytest.raises(NotFound):
        await posting.publish(
            site.db, site.deps.instance, site.people["wren"], Draft(body="From outside.", parent_id=root)
        )


async def test_a_message_is_answered_under_the_name_it_was_written_to(site: Site) -> None:
    to_dunnock = await site.writes(
        "marlow", "For dunnock.", audience="direct", mentioned=(site.people["dunnock"].actor_id,)
    )
    to_wren = await site.writes(
        "marlow", "For wren.", audience="direct", mentioned=(site.people["wren"].actor_id,)
    )
    async with site.db.transaction() as tx:
        await tx.execute(
            "insert into follows (uri, follower_id, target_id, standing, created_at)"
            " values ('x', $1, $2, 'accepted', now())",
            site.people["dunnock"].actor_id, site.people["tansy"].actor_id,
        )  # fmt: skip
    to_followers = await site.writes("tansy", "For followers.", audience="followers")
    to_all = await site.writes("marlow", "For all.", audience="public")
    said = []
    for number, post in enumerate((to_dunnock, to_wren, to_followers, to_all)):
        page = html.unescape((await site.get(f"/post/{post}/reply", "wren")).text)
        answer = f"Answer {number}."
        went_to(await site.post(f"/post/{post}/reply", "wren", {"body": answer, "to": str(post)}))
        said.append(await author_of(site, answer))
        assert f"You are <b><bdi>{said[-1]}</bdi></b> here" in page
    assert said == ["dunnock", "wren", "dunnock", "wren"]
    answers = "select string_agg(audience, ' ' order by id) from posts where parent_id is not null"
    reach = await site.value(answers)
    assert reach == "direct direct followers public"


async def test_without_a_name_for_open_talk_no_groups_name_stands_in(site: Site) -> None:
    root = await site.writes("asha", "Only here.", group="quiet")
    public = await site.writes("marlow", "For all.", group="appointments", title="Open")
    session = await site.session("wren")
    async with site.db.transaction() as tx:
        await tx.execute("update actors set standing = 'deleted' where name = 'wren'")
    site.tokens["wren"] = session
    assert "A quiet room" in (await site.get("/home", "wren")).text
    assert "You are <b><bdi>dunnock" in (await site.get(f"/g/quiet/t/{root}/reply", "wren")).text
    there = f"/g/appointments/t/{public}"
    page = await site.get(there, "wren")
    assert page.status_code == 200 and "dunnock" not in page.text.split("<main", 1)[1]
    kept = await site.post(f"{there}/reply", "wren", {"body": "My answer.", "to": str(public)})
    assert kept.status_code == 403 and "My answer." in kept.text
    assert html.escape(reasons.REASONS["no_name_here"], quote=False) in kept.text
    joined = await site.post("/g/appointments/join", "wren", {"copies": "on"})
    assert joined.status_code == 403
    assert await site.value("select count(*) from posts where author_id = $1", dunnock(site)) == 0
    assert await site.value("select count(*) from follows where follower_id = $1", dunnock(site)) == 1


def dunnock(site: Site) -> ActorId:
    return site.people["dunnock"].actor_id


async def test_an_app_that_speaks_for_one_name_is_told_nothing_of_another(site: Site) -> None:
    async with site.db.transaction() as tx:
        await tx.execute("update groups set kind = 'open' where actor_id = $1", site.groups["quiet"])
    root = await site.writes("dunnock", "Said in the open.", group="quiet", title="Mine")
    await site.writes("asha", "An answer.", parent=root)
    assert "asha replied to you" in (await site.get("/home", "wren")).text
    async with site.db.connection() as conn:
        told = {
            name: await notices.of_account(
                conn, site.people[name].account_id, site.people[name].actor_id, ["reply"], Window()
            )
            for name in ("wren", "dunnock")
        }
    assert told["wren"] == [] and len(told["dunnock"]) == 1


async def test_a_token_speaks_for_the_name_it_was_made_for_and_for_none_of_anybody_else(site: Site) -> None:
    found = []
    for person in (None, "Dunnock"):
        token = await accounts.create_token(site.db, "wren", person=person)
        async with site.db.connection() as conn:
            bearer = await find_bearer(conn, hashlib.sha256(token.encode()).digest())
        assert bearer is not None and bearer.person.account_id == site.people["wren"].account_id
        found.append(bearer.person.name)
    assert found == ["wren", "dunnock"]
    for person in ("marlow", "nobody"):
        with pytest.raises(NotFound) as refused:
            await accounts.create_token(site.db, "wren", person=person)
        assert refused.value.code == "no_person"
