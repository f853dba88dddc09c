"""Confused, repeated and misdirected activities (cases C15 to C27)."""

from __future__ import annotations

from typing import Any

from tests.integration.edge import PUBLIC
from tests.security.support import EVE, IO, Place, actor_with, renamed


async def test_C15_a_boost_brings_nothing_private_to_light(place: Place) -> None:
    for name in ("circle", "room", "followers"):
        await place.dropped(place.act("Announce", EVE, place.posts[name]), EVE)
        await place.dropped(place.act("Announce", IO, {"id": place.posts[name], "type": "Note"}), IO)
        assert (await place.get(place.posts[name], EVE)).status == 404


async def test_C15_the_copy_in_a_boost_is_never_stored(place: Place) -> None:
    for target in (place.posts["io"], place.posts["pub"]):
        before = await place.post_of(target)
        forged = {"id": target, "type": "Note", "attributedTo": EVE.uri, "to": [PUBLIC], "content": "forged"}
        await place.deliver(place.act("Announce", EVE, forged), EVE)
        after = await place.post_of(target)
        assert before is not None and after is not None
        assert {**after, "active_at": None} == {**before, "active_at": None}
    unknown = place.note(IO, content="<p>forged</p>")
    await place.dropped(place.act("Announce", EVE, unknown), EVE)
    # Nor does a relay by a group that nobody here follows make anything true.
    relayed = place.act("Create", IO, unknown)
    await place.dropped(place.act("Announce", EVE, relayed), EVE)


async def test_C16_boosts_of_boosts_lead_nowhere(place: Place) -> None:
    nested: Any = place.posts["pub"]
    for _ in range(12):
        nested = place.act("Announce", EVE, nested)
    await place.dropped(nested, EVE)
    deeper = nested
    for _ in range(50):
        deeper = place.act("Announce", EVE, deeper)
    await place.dropped(deeper, EVE)
    itself = place.act("Announce", EVE, None)
    await place.dropped({**itself, "object": itself["id"]}, EVE)
    first, second = (place.act("Announce", EVE, "x") for _ in range(2))
    place.internet.serve(first["id"], {**first, "object": second["id"]})
    place.internet.serve(second["id"], {**second, "object": first["id"]})
    await place.dropped({**first, "object": second["id"]}, EVE)


async def test_C17_a_like_counts_once(place: Place) -> None:
    for _ in range(100):
        assert (await place.deliver(place.act("Like", EVE, place.posts["pub"]), EVE)).status == 202
        await place.deliver(place.act("EmojiReact", EVE, place.posts["pub"], content="x"), EVE)
    assert await place.value("select count(*) from reactions") == 1
    async with place.no_effect():
        for _ in range(20):
            assert (await place.deliver(place.act("Dislike", EVE, place.posts["pub"]), EVE)).status == 202
    await place.dropped(place.act("Like", EVE, place.posts["circle"]), EVE)
    assert await place.value("select count(*) from notifications where kind = 'reply'") == 0


async def test_C18_a_server_does_not_make_us_ask_for_thousands_of_its_people(place: Place) -> None:
    fresh = [renamed(EVE, f"https://evil.example/u/fresh{number}") for number in range(100)]
    place.meet(*fresh)
    waiting, minutes = fresh, 0
    while waiting:
        # Its server does as it is told, and tries again those that were put off.
        place.internet.asked.clear()
        answers = [
            (peer, await place.deliver(place.act("Like", peer, place.posts["pub"]), peer)) for peer in waiting
        ]
        assert {got.status for _, got in answers} <= {202, 503}
        assert all(int(got.headers["retry-after"]) > 0 for _, got in answers if got.status == 503)
        asked = [uri for uri in place.internet.asked_of("evil.example") if "/u/" in uri]
        # Each delivery of this test takes a second.
        assert len(asked) <= 15 + 0.25 * len(waiting) + 1
        waiting = [peer for peer, got in answers if got.status == 503]
        place.clock.pass_by(minutes=1)
        minutes += 1
        # Everybody else is heard as ever.
        await place.still_works()
    assert minutes > 1
    assert await place.value("select count(*) from reactions") == 100


async def test_C19_an_answer_to_a_poll_is_never_shown_as_a_reply(place: Place) -> None:
    poll = place.create(IO)
    poll["object"] |= {
        "type": "Question",
        "oneOf": [{"type": "Note", "name": name, "replies": {"totalItems": 0}} for name in ("tea", "soup")],
        "endTime": "2030-06-01T00:00:00Z",
    }
    assert (await place.deliver(poll, IO)).status == 202
    for target in (poll["object"]["id"], place.posts["pub"]):
        for name in ("tea", "tea", "gravel"):
            vote = place.create(EVE, inReplyTo=target, name=name, content=None)
            await place.dropped(vote, EVE)


async def test_C20_quotes_show_nothing_and_leave_nothing(place: Place) -> None:
    for name in ("circle", "room", "followers", "pub"):
        post = place.note(EVE, quote=place.posts[name], quoteUrl=place.posts[name])
        request = place.act("QuoteRequest", EVE, place.posts[name], instrument=post)
        async with place.no_effect():
            for _ in range(5):
                assert (await place.deliver(request, EVE)).status == 202
    stamp = "https://evil.example/stamps/1"
    place.internet.serve(
        stamp, {"id": stamp, "type": "QuoteAuthorization", "attributedTo": place.uris["wren"]}
    )
    quoting = place.create(
        EVE, quote=place.posts["circle"], quoteAuthorization=stamp, content="<p>See this</p>"
    )
    await place.deliver(quoting, EVE)
    page = await place.get("/g/pub", accept="text/html")
    assert b"Words of Wren in circle" not in page.body
    assert stamp not in place.internet.asked


async def test_C21_a_report_is_cut_to_what_its_sender_may_know(place: Place) -> None:
    private = [place.posts[name] for name in ("circle", "room", "followers")]
    await place.dropped(place.act("Flag", EVE, private, to=None, content="x"), EVE)
    many = [place.posts["pub"], *private, *(f"https://evil.example/x/{number}" for number in range(500))]
    got = await place.deliver(place.act("Flag", EVE, many, to=None, content="y" * 200_000), EVE)
    assert (got.status, got.body) == (202, b"")
    report = (await place.rows("select post_ids, body, reporter_id, from_host from reports"))[0]
    pub = await place.post_of(place.posts["pub"])
    assert pub is not None and report["post_ids"] == [pub["id"]]
    assert len(report["body"]) <= 5_000
    assert (report["reporter_id"], report["from_host"]) == (None, "evil.example")
    await place.dropped(place.act("Flag", EVE, [place.posts["pub"]], to=None, content="z" * 900_000), EVE)
    await place.dropped(place.act("Flag", EVE, many * 20, to=None, content="x"), EVE)


PROOF = {"type": "RsaSignature2017", "creator": IO.key_id, "signatureValue": "c2lnbmVk"}


async def test_C22_a_forwarded_signature_proves_nothing_here(place: Place) -> None:
    note = place.note(IO, content="<p>rearranged</p>")
    honest = {**place.act("Create", IO, note), "signature": PROOF}
    rearranged = [
        honest,
        {**honest, "@context": ["https://www.w3.org/ns/activitystreams", {"object": "as:target"}]},
        {
            **honest,
            "@context": ["https://www.w3.org/ns/activitystreams", {"@vocab": "https://evil.example/ns#"}],
        },
        {**honest, "@graph": [honest]},
        {**honest, "@included": [honest]},
        {**honest, "object": note["id"], "as:object": note},
        {**honest, "proof": {"type": "DataIntegrityProof", "verificationMethod": IO.key_id}},
    ]
    for document in rearranged:
        await place.dropped(document, EVE)
    assert place.internet.asked_of("evil.example") == [EVE.uri]
    # A forwarded Delete asks the origin too, which still has the note.
    gone = {**place.act("Delete", IO, place.posts["io"]), "signature": PROOF}
    await place.dropped(gone, EVE)
    place.internet.gone(place.posts["io"])
    again = {**gone, "id": f"{IO.uri}/activities/again"}
    assert (await place.deliver(again, EVE)).status == 202
    stored = await place.post_of(place.posts["io"])
    assert stored is not None and stored["standing"] == "deleted"


async def test_C24_nobody_pins_or_unfollows_for_others(place: Place) -> None:
    for peer in (EVE, IO):
        for verb in ("Add", "Remove"):
            for where in ("featured", "followers", "moderators", "inbox"):
                for thing in (place.posts["pub"], IO.uri, EVE.uri):
                    forged = place.act(verb, peer, thing, target=f"{place.uris['pub']}/{where}")
                    assert (await place.deliver(forged, peer)).status == 202
    async with place.no_effect():
        for verb in ("Block", "Lock", "Undo", "Warn", "Offer", "Invite"):
            await place.deliver(place.act(verb, EVE, place.uris["wren"], target=place.uris["pub"]), EVE)
    assert await place.standing(IO.uri, place.uris["pub"]) == "accepted"
    assert (
        await place.value("select count(*) from group_moderators where group_id = $1", place.groups["pub"])
        == 1
    )


async def test_C25_hidden_recipients_are_refused(place: Place) -> None:
    for member in ("bto", "bcc"):
        for value in (place.uris["wren"], [place.uris["wren"]], [{"id": place.uris["wren"]}]):
            await place.dropped({**place.create(IO), member: value}, IO, 400)
            hidden: dict[str, Any] = {member: value}
            await place.dropped(place.create(IO, **hidden), IO, 400)


async def test_C26_a_list_of_followers_in_a_header_is_not_believed(place: Place) -> None:
    for collection, url in (
        (f"{IO.uri}/followers", "https://evil2.example/sync"),
        (f"{EVE.uri}/followers", "https://evil2.example/sync"),
        (f"{EVE.uri}/followers", "https://evil.example/sync"),
    ):
        place.internet.serve(
            url, {"id": url, "type": "OrderedCollection", "orderedItems": [place.uris["marlow"]]}
        )
        header = f'collectionId="{collection}", url="{url}", digest="{"0" * 64}"'
        post = place.create(EVE)
        sent = {"Collection-Synchronization": header}
        assert (await place.deliver(post, EVE, **sent)).status == 202
        assert url not in place.internet.asked
    assert await place.standing(place.uris["marlow"], EVE.uri) is None
    assert (
        await place.value(
            "select count(*) from follows where follower_id in (select id from actors where name = 'marlow')"
        )
        == 0
    )


async def test_C27_our_followers_are_nobody_elses_audience(place: Place) -> None:
    for name in ("pub", "circle", "room"):
        eve = renamed(EVE, f"https://evil.example/u/{name}")
        ours = f"{place.uris[name]}/followers"
        place.internet.serve(eve.uri, actor_with(eve, followers=ours))
        for to in ([ours], [ours, place.uris[name]], [f"{place.uris['wren']}/followers"]):
            # What names an open group, and is not public, is a message to its moderators and to nobody else.
            but = {"notifications", "deliveries"} if place.uris["pub"] in to else set()
            for more in ({}, {"inReplyTo": place.posts[name]}):
                async with place.no_effect(but=but):
                    got = await place.deliver(place.create(eve, group=None, to=to, **more), eve)
                    assert 202 <= got.status < 500
        followers = await place.value("select followers_uri from actors where uri = $1", eve.uri)
        assert followers is None
