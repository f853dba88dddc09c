"""What a group's Announce proves, and what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from federation import authenticity
from federation.authenticity import Authentic, ByGroup, Refused, ToConfirm, ToFetch, ToRestore, from_relay
from federation.uris import Uri
from federation.vocab import Announce, Delete, Undo, Unsupported
from tests.unit.federation.activities import NOTE_ID, act, deliver, note
from tests.unit.federation.requests import ADA, GROUP, IO


def relay(inner: Any) -> authenticity.Relayed:
    got = deliver(act("Announce", inner, actor=GROUP), GROUP)
    assert isinstance(got, Authentic)
    assert isinstance(got.value, Announce)
    return from_relay(got)


def test_a_relayed_like_is_taken_at_the_groups_word() -> None:
    got = relay(act("Like", NOTE_ID))
    assert isinstance(got, ByGroup)
    assert (got.act.proof, got.act.by, got.act.value.actor) == ("group", GROUP, IO)
    assert json.loads(got.act.raw or b"")["type"] == "Like"


def test_a_like_from_the_groups_own_server_is_signed_by_it() -> None:
    got = relay(act("Like", NOTE_ID, actor=ADA))
    assert isinstance(got, ByGroup)
    assert (got.act.proof, got.act.by) == ("signature", GROUP)


def test_a_relayed_undo_of_a_like_is_taken_at_the_groups_word() -> None:
    got = relay(act("Undo", act("Like", NOTE_ID, id="https://masto.example/acts/0")))
    assert isinstance(got, ByGroup)
    assert isinstance(got.act.value, Undo)


@pytest.mark.parametrize("verb", ["Create", "Update"])
@pytest.mark.parametrize("actor", [IO, ADA])
def test_a_relayed_post_is_fetched_even_from_the_groups_own_server(verb: str, actor: str) -> None:
    thing = note(attributedTo=actor, id=f"{'/'.join(actor.split('/')[:3])}/notes/1")
    assert relay(act(verb, thing, actor=actor)) == ToFetch(Uri(thing["id"]), GROUP)


def test_a_relayed_delete_is_confirmed() -> None:
    got = relay(act("Delete", NOTE_ID, summary="removed by moderators"))
    assert isinstance(got, ToConfirm)
    assert (got.uri, got.group, got.act.proof, got.act.by) == (NOTE_ID, GROUP, "group", GROUP)
    assert isinstance(got.act.value, Delete) and got.act.value.reason == "removed by moderators"


def test_a_relayed_delete_within_the_groups_own_server_is_the_authors_if_they_wrote_it() -> None:
    post = "https://pie.example/notes/1"
    got = relay(act("Delete", post, actor=ADA))
    assert isinstance(got, ToConfirm) and got.own is not None
    assert (got.own.value.object, got.own.value.actor, got.own.proof) == (post, ADA, "signature")


@pytest.mark.parametrize(("actor", "post"), [(IO, NOTE_ID), (ADA, NOTE_ID)])
def test_a_group_speaks_for_no_author_of_another_server(actor: str, post: str) -> None:
    got = relay(act("Delete", post, actor=actor))
    assert isinstance(got, ToConfirm) and got.own is None


@pytest.mark.parametrize(("actor", "is_by_author"), [(IO, True), (ADA, False)])
def test_a_relayed_restoration_says_whether_its_author_took_the_deletion_back(
    actor: str, is_by_author: bool
) -> None:
    origin = "/".join(actor.split("/")[:3])
    got = relay(act("Undo", act("Delete", NOTE_ID, actor=actor, id=f"{origin}/acts/0"), actor=actor))
    assert isinstance(got, ToRestore)
    assert (got.uri, got.is_by_author, got.act.proof) == (NOTE_ID, is_by_author, "group")


@pytest.mark.parametrize(
    "inner",
    [
        act("Lock", NOTE_ID, actor=ADA, summary="Enough for today."),
        act("Block", IO, actor=ADA, target=GROUP, endTime="2030-06-01T00:00:00Z"),
        act("Undo", act("Lock", NOTE_ID, actor=ADA, id="https://pie.example/acts/0"), actor=ADA),
        act("Undo", act("Lock", NOTE_ID, actor=IO, id="https://masto.example/acts/0"), actor=ADA),
        act("Undo", act("Block", IO, actor=ADA, target=GROUP, id="https://pie.example/acts/0"), actor=ADA),
    ],
)
def test_what_moderators_decide_is_the_groups_own_word(inner: dict[str, Any]) -> None:
    got = relay(inner)
    assert isinstance(got, ByGroup)
    assert (got.act.proof, got.act.by) == ("group", GROUP)


@pytest.mark.parametrize(
    "inner",
    [
        act("Follow", ADA),
        act("Flag", [NOTE_ID]),
        act("Block", ADA),
        act("Accept", "https://pie.example/acts/9"),
        act("Undo", act("Follow", ADA, id="https://masto.example/acts/0")),
        act("Undo", "https://masto.example/acts/0"),
        act("Announce", NOTE_ID),
        act("Announce", act("Announce", act("Like", NOTE_ID))),
    ],
)
def test_other_things_cannot_be_relayed(inner: dict[str, Any]) -> None:
    got = deliver(act("Announce", inner, actor=GROUP), GROUP)
    if isinstance(got, Authentic):
        assert isinstance(from_relay(got), Refused)
    else:
        assert isinstance(got, Unsupported)


def test_a_relayed_activity_with_a_foreign_id_is_refused() -> None:
    assert relay(act("Like", NOTE_ID, id="https://evil.example/acts/1")) == Refused("origin_mismatch")


def test_a_boost_is_no_relay() -> None:
    assert relay(NOTE_ID) == Refused("not_a_relay")


def test_a_relayed_undo_of_a_like_with_a_foreign_id_is_refused() -> None:
    inner = act("Undo", act("Like", NOTE_ID, id="https://pie.example/acts/0"))
    assert relay(inner) == Refused("not_their_own")
