"""Actors: nothing of theirs leads to another host."""

from __future__ import annotations

import pytest

from federation import reading
from tests.unit.federation.samples import ADA, IO, PEM, actor, code_of, person


class TestActor:
    def test_an_inbox_is_needed_and_lies_on_the_actors_own_origin(self) -> None:
        assert code_of(person(inbox=None)) == "bad_inbox"
        assert code_of(person(inbox="ftp://masto.example/inbox")) == "bad_inbox"
        for foreign in (
            "https://honest.example/inbox",
            "http://masto.example/inbox",
            "https://10.0.0.1/inbox",
        ):
            assert code_of(person(inbox=foreign)) == "inbox_origin"

    def test_collections_and_pages_elsewhere_are_dropped(self) -> None:
        members = ("outbox", "followers", "following", "featured", "url", "moderators")
        foreign = actor(
            **{member: "https://support.example/ap/g/sleepless/followers" for member in members},
            endpoints={"sharedInbox": "https://support.example/ap/inbox"},
        )
        assert {getattr(foreign, member) for member in (*members, "shared_inbox")} == {None}
        own = actor(
            **{member: f"{IO}/{member}" for member in members}, endpoints={"sharedInbox": f"{IO}/shared"}
        )
        assert (own.followers, own.shared_inbox) == (f"{IO}/followers", f"{IO}/shared")
        assert actor(endpoints=5).shared_inbox is None

    @pytest.mark.parametrize(
        "name",
        [None, "", 5, "a@b", "a/b", "a b", "a\x00", "a\u202eb", "a\nb", "x" * 256, ["io"], {"@value": "io"}],
    )
    def test_an_impossible_user_name_is_refused(self, name: object) -> None:
        assert code_of(person(preferredUsername=name)) == "bad_name"

    def test_only_keys_of_this_very_actor_are_kept(self) -> None:
        good = {"id": f"{IO}#main-key", "owner": IO, "publicKeyPem": PEM.replace("\n", "\r\n").rstrip()}
        wrong = [
            {**good, "owner": ADA},
            {**good, "id": f"{ADA}#main-key"},
            {**good, "publicKeyPem": "x" * 1_000_000},
            {**good, "publicKeyPem": None},
            {"id": f"{IO}#main-key"},
            "https://evil.example/key",
        ]
        assert actor(publicKey=wrong).keys == ()
        (key,) = actor(publicKey=[*wrong, good]).keys
        assert (key.id, key.pem) == (f"{IO}#main-key", PEM)
        assert actor(publicKey=good).keys == (key,)
        assert len(actor(publicKey=[{**good, "id": f"{IO}#{n}"} for n in range(500)]).keys) == 10

    def test_long_texts_and_lists_are_cut(self) -> None:
        big = actor(
            name="n" * 9_000,
            summary="s" * 200_000,
            alsoKnownAs=[f"https://a.example/{n}" for n in range(900)],
            movedTo=[ADA],
        )
        assert (len(big.name), len(big.summary), len(big.also_known_as)) == (200, 16_384, 20)
        assert big.moved_to == ADA
        assert actor(alsoKnownAs="https://a.example/1").also_known_as == ("https://a.example/1",)

    def test_a_group_tells_its_moderators_as_one_address(self) -> None:
        group = "https://lemmy.example/c/quiet"
        base = {"id": group, "type": "Group", "preferredUsername": "quiet", "inbox": f"{group}/inbox"}
        assert (
            reading.read_actor({**base, "attributedTo": f"{group}/moderators"}).moderators
            == f"{group}/moderators"
        )
        people = [{"type": "Person", "id": "https://lemmy.example/u/mo"}]
        assert reading.read_actor({**base, "attributedTo": people}).moderators is None
        assert reading.read_actor({**base, "attributedTo": group}).moderators is None
        assert actor(attributedTo=f"{IO}/moderators").moderators is None

    def test_consent_is_only_a_true_true(self) -> None:
        loose = actor(manuallyApprovesFollowers="true", discoverable=1, indexable="yes", suspended=[True])
        assert not any((loose.approves_followers, loose.discoverable, loose.indexable, loose.suspended))
        strict = actor(manuallyApprovesFollowers=True, discoverable=True, indexable=True, suspended=True)
        assert all((strict.approves_followers, strict.discoverable, strict.indexable, strict.suspended))

    @pytest.mark.parametrize(
        ("claimed", "handle"),
        [
            ("Io@masto.example", "io@masto.example"),
            ("acct:io@masto.example", "io@masto.example"),
            ("io", None),
            (5, None),
        ],
    )
    def test_a_claimed_handle_is_bounded(self, claimed: object, handle: str | None) -> None:
        assert actor(webfinger=claimed).webfinger == handle
