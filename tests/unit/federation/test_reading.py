"""What we understand of documents, and the named refusals for the rest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from federation import reading
from federation.errors import Malformed
from federation.uris import Uri
from federation.vocab import (
    PUBLIC,
    Audience,
    Collection,
    Create,
    Post,
    Tombstone,
    Unsupported,
)
from tests.unit.federation.samples import (
    ADA,
    GROUP,
    IO,
    PARENT,
    POST,
    activity,
    code_of,
    note,
    person,
    post,
)


class TestIdentity:
    @pytest.mark.parametrize(
        "wrong", [None, "", "/users/io", "javascript:alert(1)", 1, True, "admin", {"id": IO}, [IO]]
    )
    def test_a_thing_without_an_absolute_id_is_refused(self, wrong: object) -> None:
        for document in (
            note(id=wrong),
            person(id=wrong),
            activity(id=wrong),
            {"type": "Tombstone", "id": wrong},
        ):
            assert code_of(document) == "bad_id"

    def test_a_missing_id_is_refused(self) -> None:
        for document in (note(), person(), activity()):
            del document["id"]
            assert code_of(document) == "bad_id"

    @pytest.mark.parametrize("wrong", [1, "1", "admin", "/users/admin", True, None, [], {}, "as:Public"])
    def test_a_number_or_a_short_name_is_never_an_actor(self, wrong: object) -> None:
        assert code_of(activity(actor=wrong)) == "bad_actor"
        assert code_of(note(attributedTo=wrong)) == "bad_attributedTo"

    def test_an_actor_given_as_object_or_as_array_of_one_is_its_id(self) -> None:
        for given in (IO, [IO], {"id": IO, "type": "Person"}, [{"id": IO}], [IO, IO]):
            read = reading.read_activity(activity(actor=given))
            assert isinstance(read, Create)
            assert read.actor == IO

    def test_two_actors_are_nobody(self) -> None:
        assert code_of(activity(actor=[ADA, IO])) == "several_actor"
        assert code_of(note(attributedTo=[ADA, IO])) == "several_attributedTo"

    def test_an_address_of_a_hundred_thousand_characters_is_refused(self) -> None:
        long = "https://masto.example/" + "x" * 100_000
        assert code_of(note(id=long)) == "bad_id"
        assert post(url=long).url is None
        assert post(inReplyTo=long).in_reply_to is None

    def test_ids_are_normalised_and_user_information_is_refused(self) -> None:
        assert post(id="HTTPS://MASTO.example:443/notes/1").id == POST
        assert code_of(note(id="https://honest.example@evil.example/x")) == "bad_id"


class TestTypes:
    @pytest.mark.parametrize("kind", [5, {}, [], None, "", [1], [[]], "x" * 1_000_000])
    def test_a_document_without_a_usable_type_is_refused(self, kind: object) -> None:
        assert code_of(note(type=kind)) == "no_type"

    def test_the_first_known_type_is_the_only_meaning(self) -> None:
        assert isinstance(reading.read(note(type=["Sparkle", "Note", "Person"])), Post)
        assert isinstance(reading.read(activity(["Create", "Delete"])), Create)
        both = activity(["Note", "Create"], attributedTo=IO)
        assert isinstance(reading.read(both), Post)
        with pytest.raises(Malformed, match="not_an_activity"):
            reading.read_activity(both)
        with pytest.raises(Malformed, match="not_a_post"):
            reading.read_post(note(type=["Create", "Note"]))

    def test_a_type_with_the_vocabularys_prefix_is_the_same_type(self) -> None:
        assert isinstance(reading.read(note(type="as:Note")), Post)
        assert isinstance(reading.read(note(type="https://www.w3.org/ns/activitystreams#Note")), Post)

    @pytest.mark.parametrize(
        "verb",
        [
            "Add",
            "Remove",
            "Move",
            "Dislike",
            "View",
            "Listen",
            "Invite",
            "Offer",
            "QuoteRequest",
        ],
    )
    def test_a_verb_without_effect_is_named(self, verb: str) -> None:
        read = reading.read(activity(verb, object=PARENT))
        assert read == Unsupported(
            type=verb, why="not_handled", id=Uri("https://masto.example/a/1"), actor=Uri(IO)
        )

    def test_an_unknown_type_is_named(self) -> None:
        read = reading.read(activity("Sp\u202earkle"))
        assert isinstance(read, Unsupported)
        assert (read.type, read.why) == ("Sparkle", "unknown_type")
        assert reading.read_activity(activity("Sp\u202earkle")) == read

    def test_observe_is_ours_and_cannot_be_sent_to_us(self) -> None:
        assert isinstance(reading.read(activity("Observe")), Unsupported)

    def test_what_is_no_actor_or_post_is_refused_where_one_is_needed(self) -> None:
        with pytest.raises(Malformed, match="not_an_actor"):
            reading.read_actor(note())
        with pytest.raises(Malformed, match="not_a_post"):
            reading.read_post(person())
        with pytest.raises(Malformed, match="not_an_activity"):
            reading.read_activity(note())


class TestHiddenRecipients:
    @pytest.mark.parametrize("member", ["bto", "bcc"])
    def test_they_are_refused_wherever_they_stand(self, member: str) -> None:
        hidden = {member: [GROUP]}
        announce = activity("Announce", object=activity(object=note(**hidden)))
        for document in (
            activity(**hidden),
            activity(object=note(**hidden)),
            announce,
            note(**hidden),
            person(x=[hidden]),
        ):
            assert code_of(document) == "bto_present"
        with pytest.raises(Malformed, match="bto_present"):
            reading.read_activity(announce)
        with pytest.raises(Malformed, match="bto_present"):
            reading.read_post(note(**hidden))
        with pytest.raises(Malformed, match="bto_present"):
            reading.read_actor(person(**hidden))
        with pytest.raises(Malformed, match="bto_present"):
            reading.read_object(note(**hidden))

    def test_an_empty_list_hides_nobody(self) -> None:
        assert isinstance(reading.read(activity(bto=[], bcc=None)), Create)


class TestAudience:
    def test_addresses_are_tolerated_in_every_shape_and_bounded(self) -> None:
        assert post(to="as:Public", cc=None).audience == Audience(to=(PUBLIC,))
        assert post(to={"id": IO}, cc=[["x"], 5, "", "no", "Public"]).audience == Audience(
            (Uri(IO),), (PUBLIC,)
        )
        many = [f"https://a.example/{n}" for n in range(1_000)]
        assert len(post(to=many, cc=many).audience.everyone) == 100
        assert post(to=[IO, IO]).audience.to == (IO,)

    def test_the_group_is_one_address_and_never_public(self) -> None:
        assert post(audience=[PUBLIC, GROUP, IO]).audience.group == GROUP
        assert post(audience={"id": GROUP}).audience.group == GROUP
        assert post(audience=5).audience.group is None


class TestCollections:
    def test_items_are_ids(self) -> None:
        read = reading.read(
            {
                "type": "OrderedCollection",
                "id": f"{IO}/outbox",
                "totalItems": 3,
                "orderedItems": [POST, note(), activity(), 5],
            }
        )
        assert read == Collection(
            id=Uri(f"{IO}/outbox"), total=3, items=(Uri(POST), Uri("https://masto.example/a/1"))
        )

    def test_an_embedded_first_page_belongs_to_the_collection(self) -> None:
        page = {"type": "CollectionPage", "next": f"{IO}/replies?page=2", "items": [POST]}
        read = reading.read({"type": "Collection", "id": f"{IO}/replies", "first": page})
        assert read == Collection(
            id=Uri(f"{IO}/replies"), items=(Uri(POST),), next=Uri(f"{IO}/replies?page=2")
        )

    def test_a_collection_does_not_lead_to_another_host(self) -> None:
        read = reading.read(
            {
                "type": "Collection",
                "id": f"{IO}/replies",
                "first": "https://evil.example/1",
                "next": "https://evil.example/2",
            }
        )
        assert read == Collection(id=Uri(f"{IO}/replies"))

    @pytest.mark.parametrize("total", [-5, "many", 1.5, None, 10**18])
    def test_a_total_is_a_number_in_bounds(self, total: object) -> None:
        read = reading.read({"type": "Collection", "id": f"{IO}/f", "totalItems": total})
        assert isinstance(read, Collection)
        assert read.total in (None, 0, 2**31 - 1)


def test_a_tombstone_is_what_stays() -> None:
    stone = reading.read(
        {"type": "Tombstone", "id": POST, "formerType": "Note", "deleted": "2026-11-20T03:00:00Z"}
    )
    assert stone == Tombstone(id=Uri(POST), former_type="Note", deleted=datetime(2026, 11, 20, 3, tzinfo=UTC))
    assert reading.read({"type": "Tombstone", "id": POST, "formerType": ["x y"]}) == Tombstone(id=Uri(POST))
