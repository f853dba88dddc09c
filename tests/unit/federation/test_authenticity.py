"""Proof as a type: who may say what, and what is cut away from what they cannot say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from federation.authenticity import (
    Authentic,
    Fetched,
    NeedsFetch,
    claimed_key,
    from_absence,
    from_fetch,
    from_local,
    from_stored,
)
from federation.delivery import Scheme
from federation.errors import Malformed, Unauthentic
from federation.uris import Uri
from federation.vocab import (
    Actor,
    Collection,
    Create,
    Delete,
    Flag,
    Like,
    Observe,
    Post,
    Tombstone,
    Unsupported,
    Update,
)
from tests.unit.federation.activities import EVIL, NOTE_ID, act, deliver, note
from tests.unit.federation.requests import (
    ADA,
    GROUP,
    IO,
    IO_KEY,
    NOW,
    ORIGIN,
    OTHER,
    PUBLIC,
    signed,
    with_header,
)


def value(activity: dict[str, Any], signer: str = IO) -> Any:
    got = deliver(activity, signer)
    assert isinstance(got, Authentic)
    assert got.proof == "signature"
    assert got.by == signer
    return got.value


def refuse(activity: dict[str, Any], code: str, signer: str = IO) -> None:
    with pytest.raises(Unauthentic) as caught:
        deliver(activity, signer)
    assert caught.value.code == code


# --- which key a request claims ---


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_a_request_claims_a_key_that_can_then_be_verified(scheme: Scheme) -> None:
    claim = claimed_key(signed(scheme=scheme), origin=ORIGIN, now=NOW)
    assert (claim.scheme, claim.key_id) == (scheme, IO_KEY)
    claim.verify(PUBLIC)
    with pytest.raises(Unauthentic, match="signature_invalid"):
        claim.verify(OTHER)


def test_an_unsigned_request_is_named_as_such() -> None:
    with pytest.raises(Unauthentic) as caught:
        claimed_key(with_header(signed(), "signature"), origin=ORIGIN, now=NOW)
    assert caught.value.code == "signature_missing"


def test_a_port_belongs_to_our_origin() -> None:
    request = signed(uri=Uri("http://127.0.0.1:8000/ap/inbox"))
    claimed_key(request, origin="http://127.0.0.1:8000", now=NOW).verify(PUBLIC)
    with pytest.raises(Unauthentic):
        claimed_key(request, origin="http://127.0.0.1:8001", now=NOW)


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_a_slash_after_our_origin_does_no_harm(scheme: Scheme) -> None:
    claimed_key(signed(scheme=scheme), origin=f"{ORIGIN}/", now=NOW).verify(PUBLIC)


def test_the_digest_of_a_claim_recognises_a_replay() -> None:
    request = signed()
    one, same = (claimed_key(request, origin=ORIGIN, now=NOW) for _ in range(2))
    other = claimed_key(signed(body=b"{}"), origin=ORIGIN, now=NOW)
    assert one.digest == same.digest != other.digest
    assert len(one.digest) == 32


# --- who may say what ---


def test_an_actor_speaks_for_itself() -> None:
    like = value(act("Like", NOTE_ID))
    assert isinstance(like, Like)
    assert like.actor == IO


def test_nobody_speaks_for_somebody_else() -> None:
    refuse(act("Like", NOTE_ID), "key_mismatch", EVIL)
    refuse(act("Create", note()), "key_mismatch", EVIL)
    refuse(act("Follow", GROUP), "key_mismatch", "https://masto.example/users/ada")


def test_an_instance_actor_may_only_report_for_its_people() -> None:
    actor = "https://masto.example/actor"
    assert isinstance(value(act("Flag", [NOTE_ID]), actor), Flag)
    refuse(act("Create", note()), "key_mismatch", actor)
    refuse(act("Flag", [NOTE_ID]), "key_mismatch", EVIL)


def test_an_unknown_verb_of_somebody_else_is_refused_too() -> None:
    assert isinstance(deliver(act("Dislike", ADA)), Unsupported)
    refuse(act("Dislike", ADA), "key_mismatch", EVIL)


def test_somebody_elses_block_or_lock_is_refused() -> None:
    for verb in ("Block", "Lock"):
        assert isinstance(deliver(act(verb, ADA)), Authentic)
        refuse(act(verb, ADA), "key_mismatch", EVIL)


def test_only_who_blocked_a_person_takes_it_back_but_any_moderator_may_lift_what_one_decided() -> None:
    theirs = {"id": "https://pie.example/acts/0", "actor": ADA}
    with pytest.raises(Malformed, match="foreign_undo"):
        deliver(act("Undo", act("Block", EVIL, **theirs)))
    assert isinstance(deliver(act("Undo", act("Block", EVIL, target=GROUP, **theirs))), Authentic)
    assert isinstance(deliver(act("Undo", act("Lock", NOTE_ID, **theirs))), Authentic)


@pytest.mark.parametrize("verb", ["Create", "Follow", "Delete", "Announce", "Like"])
def test_an_activity_id_of_another_origin_is_refused(verb: str) -> None:
    thing = note() if verb == "Create" else NOTE_ID
    refuse(act(verb, thing, id="https://pie.example/acts/1"), "origin_mismatch")
    refuse(act(verb, thing, id="http://masto.example/acts/1"), "origin_mismatch")
    refuse(act(verb, thing, id="https://masto.example:8443/acts/1"), "origin_mismatch")


# --- what is cut away ---


@pytest.mark.parametrize("verb", ["Create", "Update"])
def test_an_authors_own_post_is_kept(verb: str) -> None:
    posted = value(act(verb, note()))
    assert isinstance(posted, Create | Update)
    assert isinstance(posted.object, Post)


@pytest.mark.parametrize("verb", ["Create", "Update"])
@pytest.mark.parametrize(
    "changes",
    [
        {"id": "https://pie.example/notes/1"},
        {"attributedTo": ADA},
        {"attributedTo": "https://masto.example/users/other"},
        {"id": "https://pie.example/notes/1", "attributedTo": ADA},
        {"id": "http://masto.example/notes/1"},
    ],
)
def test_a_post_that_is_not_their_own_becomes_its_id(verb: str, changes: dict[str, Any]) -> None:
    posted = value(act(verb, note(**changes)))
    assert posted.object == changes.get("id", NOTE_ID)


def test_an_embedded_actor_is_kept_only_as_oneself() -> None:
    person = {
        "id": IO,
        "type": "Person",
        "preferredUsername": "io",
        "inbox": f"{IO}/inbox",
    }
    assert isinstance(value(act("Update", person)).object, Actor)
    other = {
        **person,
        "id": "https://masto.example/users/ada",
        "inbox": "https://masto.example/users/ada/inbox",
    }
    assert value(act("Update", other)).object == other["id"]
    foreign = {**person, "id": ADA, "inbox": f"{ADA}/inbox"}
    assert value(act("Update", foreign)).object == ADA


def test_a_delete_keeps_what_it_names_for_the_app_to_judge() -> None:
    deleted = value(act("Delete", "https://pie.example/notes/1"))
    assert isinstance(deleted, Delete)
    assert deleted.object == "https://pie.example/notes/1"


def test_one_takes_back_only_what_is_ones_own() -> None:
    own = act("Like", NOTE_ID, id="https://masto.example/acts/0")
    assert isinstance(value(act("Undo", own)).object, Like)
    assert value(act("Undo", "https://masto.example/acts/0")).object == "https://masto.example/acts/0"


@pytest.mark.parametrize(
    "undone",
    [
        "https://pie.example/acts/0",
        act("Like", NOTE_ID, id="https://pie.example/acts/0"),
        act("Follow", GROUP, id="https://pie.example/acts/0"),
        act("Like", NOTE_ID, actor=ADA, id="https://masto.example/acts/0"),
        act("Follow", GROUP, actor=ADA),
        act("Announce", NOTE_ID, actor=ADA),
    ],
)
def test_one_cannot_take_back_what_another_did(undone: object) -> None:
    with pytest.raises((Unauthentic, Malformed)):
        deliver(act("Undo", undone))


def test_a_moderator_may_restore_what_another_one_removed() -> None:
    removed = act("Delete", NOTE_ID, actor=ADA, summary="removed by moderators")
    assert isinstance(value(act("Undo", removed)).object, Delete)


# --- forwarded and stored ---


@pytest.mark.parametrize("member", ["signature", "proof"])
@pytest.mark.parametrize(("verb", "thing"), [("Create", note()), ("Update", note()), ("Delete", NOTE_ID)])
def test_a_forwarded_post_with_a_proof_of_its_own_is_only_worth_asking_for(
    member: str, verb: str, thing: object
) -> None:
    got = deliver({**act(verb, thing), member: {"type": "RsaSignature2017"}}, EVIL)
    assert got == NeedsFetch(Uri(NOTE_ID), EVIL, is_gone=verb == "Delete")


@pytest.mark.parametrize(
    "activity",
    [
        act("Like", NOTE_ID, signature={"type": "RsaSignature2017"}),
        act("Follow", GROUP, signature={"type": "RsaSignature2017"}),
        act("Create", note(id="https://pie.example/notes/1"), signature={"type": "RsaSignature2017"}),
        act("Create", note(), signature="yes"),
    ],
)
def test_other_forwarded_things_are_refused(activity: dict[str, Any]) -> None:
    refuse(activity, "key_mismatch", EVIL)


def test_a_stored_body_is_judged_again() -> None:
    raw = json.dumps(act("Create", note())).encode()
    got = from_stored(raw, IO)
    assert isinstance(got, Authentic)
    assert got.raw == raw
    with pytest.raises(Unauthentic):
        from_stored(raw, EVIL)


def test_ours_is_authentic_by_its_author() -> None:
    like = Like(id=Uri(f"{ORIGIN}/ap/a/1"), actor=Uri(f"{ORIGIN}/ap/u/1"), object=Uri(NOTE_ID))
    got = from_local(like, like.actor, b"{}")
    assert (got.proof, got.by, got.raw) == ("local", like.actor, b"{}")
    with pytest.raises(Unauthentic):
        from_local(like, IO, b"{}")


# --- fetched ---


def test_an_origin_that_no_longer_has_a_thing_proves_its_deletion() -> None:
    claim = Delete(id=Uri(f"{NOTE_ID}#gone"), actor=IO, object=Uri(NOTE_ID))
    got = from_absence(claim, Uri(NOTE_ID))
    assert (got.value, got.proof, got.by) == (claim, "fetch", IO)
    for asked, actor in ((f"{NOTE_ID}0", IO), (NOTE_ID, ADA)):
        with pytest.raises(Unauthentic):
            from_absence(replace(claim, actor=actor), Uri(asked))


def found(document: dict[str, Any], uri: str | None = None) -> Fetched:
    return Fetched(Uri(uri or document["id"]), document, b"raw")


def test_a_fetched_post_is_observed() -> None:
    got = from_fetch(found(note()), announced_by=GROUP)
    assert isinstance(got, Authentic)
    assert isinstance(got.value, Observe)
    assert (got.proof, got.by, got.value.actor, got.value.id) == ("fetch", IO, IO, NOTE_ID)
    assert got.value.announced_by == GROUP
    assert got.value.audience == got.value.object.audience


@pytest.mark.parametrize(
    "given",
    [
        found(note(), "https://masto.example/notes/2"),
        found(note(), "https://evil.example/notes/1"),
        found(note(attributedTo=ADA)),
        found(note(attributedTo="http://masto.example/users/io")),
    ],
)
def test_a_post_found_elsewhere_or_of_a_foreign_author_is_refused(given: Fetched) -> None:
    with pytest.raises(Unauthentic) as caught:
        from_fetch(given)
    assert caught.value.code == "origin_mismatch"


def test_other_fetched_things_are_vouched_for_by_their_origin() -> None:
    person = {"id": IO, "type": "Person", "preferredUsername": "io", "inbox": f"{IO}/inbox"}
    stone = {"id": NOTE_ID, "type": "Tombstone"}
    followers = {"id": f"{IO}/followers", "type": "OrderedCollection", "totalItems": 1, "attributedTo": IO}
    foreign = {**followers, "attributedTo": ADA}
    for document, kind, by in (
        (person, Actor, IO),
        (stone, Tombstone, NOTE_ID),
        (followers, Collection, IO),
        (foreign, Collection, f"{IO}/followers"),
    ):
        got = from_fetch(found(document))
        assert isinstance(got, Authentic)
        assert isinstance(got.value, kind)
        assert (got.proof, got.by) == ("fetch", by)


def test_a_fetched_thing_we_do_not_know_is_named() -> None:
    assert isinstance(from_fetch(found({"id": NOTE_ID, "type": "Event"})), Unsupported)
