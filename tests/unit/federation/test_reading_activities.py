"""Activities: what a verb needs, and what it may hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from federation import documents, reading
from federation.errors import Malformed
from federation.uris import Uri
from federation.vocab import (
    PUBLIC,
    Accept,
    Actor,
    Announce,
    Create,
    Delete,
    Flag,
    Follow,
    Like,
    Post,
    Reject,
    Undo,
    Unsupported,
    Update,
)
from tests.unit.federation.samples import ADA, GROUP, IO, PARENT, POST, activity, code_of, note, person


class TestMemberships:
    def test_follow_and_join(self) -> None:
        follow = reading.read(activity("Follow", object={"id": GROUP}))
        assert follow == Follow(id=Uri("https://masto.example/a/1"), actor=Uri(IO), object=Uri(GROUP))
        join = reading.read(activity("Join", object=GROUP))
        assert isinstance(join, Follow)
        assert join.verb == "Join"

    def test_leave_undoes_a_join(self) -> None:
        leave = reading.read(activity("Leave", object=GROUP))
        assert isinstance(leave, Undo)
        assert isinstance(leave.object, Follow)
        assert (leave.object.verb, leave.object.actor, leave.object.object) == ("Join", IO, GROUP)

    @pytest.mark.parametrize(
        "verb", ["Follow", "Join", "Delete", "Undo", "Like", "Create", "Accept", "Announce"]
    )
    def test_many_objects_are_refused(self, verb: str) -> None:
        many = [f"https://masto.example/n/{n}" for n in range(900)]
        assert code_of(activity(verb, object=many)) == "several_object"
        assert code_of(activity(verb, object=[])) == "bad_object"
        assert code_of(activity(verb, object="as:Public")) == "bad_object"

    @pytest.mark.parametrize(("verb", "kind"), [("Accept", Accept), ("Reject", Reject)])
    def test_an_answer_holds_the_follow_or_its_id(self, verb: str, kind: type) -> None:
        follow = {"id": "https://support.example/ap/a/1", "type": "Follow", "actor": PARENT, "object": IO}
        embedded = reading.read(activity(verb, object=follow))
        named = reading.read(activity(verb, object="https://support.example/ap/a/1"))
        assert isinstance(embedded, kind)
        assert isinstance(named, kind)
        assert isinstance(embedded, Accept | Reject)
        assert isinstance(embedded.object, Follow)
        assert isinstance(reading.read(activity(verb, object={**follow, "type": "Offer"})), Unsupported)
        assert isinstance(reading.read(activity(verb, object=note())), Unsupported)

    @pytest.mark.parametrize("claimed", [None, "", "9", 9, [], {}])
    @pytest.mark.parametrize("verb", ["Accept", "Reject"])
    def test_what_is_answered_is_known_by_its_ends_where_it_has_no_id(
        self, verb: str, claimed: object
    ) -> None:
        follow = {"id": claimed, "type": "Follow", "actor": PARENT, "object": IO}
        answer = reading.read(activity(verb, object=follow))
        assert isinstance(answer, Accept | Reject)
        assert answer.object == Follow(id=None, actor=Uri(PARENT), object=Uri(IO))
        assert code_of(activity("Follow", id=claimed, object=GROUP)) == "bad_id"

    @pytest.mark.parametrize("claimed", [None, "", "9"])
    @pytest.mark.parametrize("verb", ["Follow", "Join", "Announce", "Like"])
    def test_what_is_undone_is_known_by_its_ends_where_it_has_no_id(
        self, verb: str, claimed: object
    ) -> None:
        undo = reading.read(
            activity("Undo", object={"id": claimed, "type": verb, "actor": IO, "object": GROUP})
        )
        assert isinstance(undo, Undo)
        assert isinstance(undo.object, Follow | Announce | Like)
        assert (undo.object.id, undo.object.actor, undo.object.object) == (None, IO, GROUP)


class TestPosting:
    def test_create_and_update_take_a_post_or_its_id(self) -> None:
        for verb, kind in (("Create", Create), ("Update", Update)):
            whole, named = reading.read(activity(verb)), reading.read(activity(verb, object=[{"id": POST}]))
            assert isinstance(whole, kind)
            assert isinstance(named, kind)
            assert isinstance(whole, Create | Update)
            assert isinstance(named, Create | Update)
            assert isinstance(whole.object, Post)
            assert named.object == POST

    def test_a_create_of_something_else_is_not_acted_on(self) -> None:
        for other in (
            person(),
            {"type": "Video", "id": POST},
            {"type": "Tombstone", "id": POST},
            activity("Like", object=POST),
        ):
            read = reading.read(activity(object=other))
            assert isinstance(read, Unsupported)
            assert read.type == "Create"

    def test_a_broken_embedded_actor_is_as_good_as_its_id(self) -> None:
        whole = reading.read(activity("Update", object=person()))
        broken = reading.read(activity("Update", object=person(inbox="https://evil.example/inbox")))
        assert isinstance(whole, Update)
        assert isinstance(whole.object, Actor)
        assert isinstance(broken, Update)
        assert broken.object == IO
        assert isinstance(reading.read(activity("Update", object={"type": "Event", "id": POST})), Unsupported)

    def test_a_delete_tells_by_its_summary_that_a_moderator_did_it(self) -> None:
        plain = reading.read(activity("Delete", object=POST))
        stone = {"id": POST, "type": "Tombstone", "formerType": "Note", "deleted": "2026-11-20T03:00:00Z"}
        whole = reading.read(activity("Delete", object=stone))
        removed = reading.read(activity("Delete", object=POST, summary=""))
        assert isinstance(plain, Delete)
        assert isinstance(whole, Delete)
        assert isinstance(removed, Delete)
        assert (plain.object, plain.reason, plain.former_type) == (POST, None, "")
        assert (whole.former_type, whole.deleted) == ("Note", datetime(2026, 11, 20, 3, tzinfo=UTC))
        assert removed.reason == ""
        embedded = reading.read(activity("Delete", object=person()))
        assert isinstance(embedded, Delete)
        assert embedded.former_type == "Person"

    @pytest.mark.parametrize("verb", ["Like", "EmojiReact"])
    def test_every_reaction_is_a_like(self, verb: str) -> None:
        read = reading.read(activity(verb, object=POST, content="🌙"))
        assert read == Like(id=Uri("https://masto.example/a/1"), actor=Uri(IO), object=Uri(POST))
        old = activity(verb, object=POST)
        del old["id"]
        assert reading.read(old) == Like(id=None, actor=Uri(IO), object=Uri(POST))

    def test_a_report_is_bounded(self) -> None:
        many = [POST, PUBLIC, "x", {"id": PARENT}, *(f"https://masto.example/n/{n}" for n in range(900))]
        read = reading.read(activity("Flag", object=many, content="c" * 100_000))
        assert isinstance(read, Flag)
        assert read.objects[:2] == (POST, PARENT)
        assert len(read.objects) <= 50
        assert len(read.content) == 5_000
        assert code_of(activity("Flag", object=["x", None])) == "bad_object"


class TestAnnounce:
    def test_a_string_is_a_boost(self) -> None:
        read = reading.read(activity("Announce", object=PARENT))
        assert isinstance(read, Announce)
        assert (read.object, read.embedded) == (PARENT, None)

    def test_an_embedded_object_is_only_its_id(self) -> None:
        for embedded in (note(), {"type": "Video", "id": POST}, {"id": POST}):
            read = reading.read(activity("Announce", object=embedded))
            assert isinstance(read, Announce)
            assert (read.object, read.embedded) == (POST, None)

    def test_an_embedded_activity_keeps_its_exact_text(self) -> None:
        inner = f'{{ "id" : "{POST}/c", "type":"Create","actor":"{ADA}", "x":1.50, "object": "{POST}" }}'
        for given in (inner, f"[ {inner} ]"):
            raw = f'\ufeff{{"actor":"{IO}","object":{given},"type":"Announce","id":"{POST}/a"}}'
            body = raw.encode()
            read = reading.read_activity(documents.parse(body), raw=body)
            assert isinstance(read, Announce)
            assert isinstance(read.object, Create)
            assert read.embedded == inner.encode()

    def test_without_the_body_the_activity_is_written_again(self) -> None:
        inner = activity(actor=ADA)
        read = reading.read_activity(activity("Announce", object=inner))
        assert isinstance(read, Announce)
        assert read.embedded is not None
        assert json.loads(read.embedded) == inner

    def test_a_body_that_is_not_the_documents_is_refused(self) -> None:
        document = activity("Announce", object=activity())
        for raw in (b"", b"[]", b"{}", b"\xff"):
            with pytest.raises(Malformed, match="not_json"):
                reading.read_activity(document, raw=raw)

    def test_an_announce_in_an_announce_is_not_unwrapped(self) -> None:
        document = activity("Announce", object=PARENT)
        for _ in range(50):
            document = activity("Announce", object=document)
        read = reading.read(document)
        assert isinstance(read, Unsupported)
        assert read.why == "nested_announce"

    def test_an_announce_of_itself_is_refused(self) -> None:
        assert code_of(activity("Announce", object="https://masto.example/a/1")) == "announces_itself"

    @pytest.mark.parametrize(
        "inner",
        [
            activity("Follow", object=GROUP),
            activity("Accept", object=GROUP),
            activity("Reject", object=GROUP),
            activity("Flag", object=[GROUP]),
            activity("Undo", object=activity("Follow", object=GROUP)),
            activity("Undo", object=activity("Announce", object=POST)),
            activity("Undo", object="https://masto.example/a/0"),
            activity("Update", object=person()),
            activity("Delete", object=person(id=ADA)),
        ],
    )
    def test_memberships_reports_and_people_do_not_travel_in_an_announce(
        self, inner: dict[str, object]
    ) -> None:
        read = reading.read(activity("Announce", object=inner))
        assert isinstance(read, Unsupported)
        assert read.why == "inner_not_relayable"

    @pytest.mark.parametrize("verb", ["Dislike", "Remove", "Add", "Move"])
    def test_a_wrapped_verb_without_effect_is_named(self, verb: str) -> None:
        read = reading.read(activity("Announce", object=activity(verb, object=POST)))
        assert read == Unsupported(
            type="Announce", why="inner_not_handled", id=Uri("https://masto.example/a/1"), actor=Uri(IO)
        )
        assert isinstance(reading.read(activity("Announce", object=person())), Unsupported)


class TestUndo:
    def test_what_can_be_undone(self) -> None:
        for verb, target in (("Follow", GROUP), ("Like", POST), ("Announce", POST), ("Delete", POST),
                             ("Block", GROUP), ("Lock", POST)):  # fmt: skip
            read = reading.read(activity("Undo", object=activity(verb, object=target)))
            assert isinstance(read, Undo)
            assert type(read.object).__name__ == verb
        named = reading.read(activity("Undo", object="https://masto.example/a/0"))
        assert isinstance(named, Undo)
        assert named.object == "https://masto.example/a/0"

    @pytest.mark.parametrize("verb", ["Add", "Remove", "Dislike", "Accept", "Create", "Undo"])
    def test_other_verbs_cannot(self, verb: str) -> None:
        read = reading.read(activity("Undo", object=activity(verb, object=GROUP)))
        assert isinstance(read, Unsupported)
        assert read.type == "Undo"

    def test_nobody_undoes_what_another_did_except_a_removal(self) -> None:
        for verb in ("Follow", "Like", "Announce"):
            assert code_of(activity("Undo", object=activity(verb, actor=ADA, object=GROUP))) == "foreign_undo"
        assert isinstance(
            reading.read(activity("Undo", object=activity("Delete", actor=ADA, object=POST))), Undo
        )

    def test_nesting_is_bounded(self) -> None:
        document = activity("Announce", object=POST)
        for _ in range(30):
            document = activity("Undo", object=activity("Announce", object=document))
        assert isinstance(reading.read(document), Unsupported)
