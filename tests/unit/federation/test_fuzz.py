"""Whatever a peer writes becomes a value, `Unsupported` or `Malformed`: never another exception."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation import authenticity, contexts, discovery, documents, reading, vocab, writing
from federation.errors import Malformed
from federation.reading_parts import IGNORED_VERBS, KNOWN, OBJECT_KINDS, VERBS
from federation.uris import Uri
from federation.vocab import PUBLIC, Unsupported

IO = "https://masto.example/users/io"
MEMBERS = (
    "@context id type actor object target attributedTo to cc bto audience inReplyTo content "
    "contentMap name summary source sensitive language url context published updated tag attachment "
    "oneOf anyOf endTime closed commentsEnabled preferredUsername inbox outbox followers following "
    "featured moderators endpoints sharedInbox publicKey owner publicKeyPem webfinger "
    "manuallyApprovesFollowers alsoKnownAs movedTo formerType deleted totalItems items orderedItems "
    "first next mediaType href width height replies identifier subject links rel template properties "
    "software "
).split()
WORDS = [
    *sorted(KNOWN),
    "Mention",
    "Hashtag",
    "Emoji",
    "Image",
    "Link",
    "Document",
    "Tombstone",
    "ChatMessage",
    "Video",
]
ADDRESSES = [
    IO,
    f"{IO}#main-key",
    f"{IO}/inbox",
    "https://pie.example/u/ada",
    PUBLIC,
    "as:Public",
    "",
    "x",
    "/u/io",
    "data:,",
]
ODD = [
    "\u0000",
    "\ud800",
    "\u202e",
    "2026-11-20T02:31:00Z",
    "0000-00-00",
    "text/markdown",
    "text/plain",
    "#a",
    "en",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=20)
    | st.sampled_from(ADDRESSES + WORDS + ODD)
)
json_values = st.recursive(
    scalars,
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inside, max_size=4)
    ),
    max_leaves=8,
)
documents_of_anything = st.dictionaries(
    st.sampled_from(MEMBERS) | st.text(max_size=5), json_values, max_size=8
)


def nearly_right(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents with everything that is needed, and some members replaced by anything."""
    base = {
        "id": st.just("https://masto.example/x/1"),
        "type": st.sampled_from(WORDS),
        "actor": st.just(IO),
        "attributedTo": st.just(IO),
        "preferredUsername": st.just("io"),
        "inbox": st.just(f"{IO}/inbox"),
        "object": st.sampled_from([IO, "https://pie.example/p/1"]) | inside,
    }
    extra = st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=5)
    return st.builds(lambda whole, more: {**whole, **more}, st.fixed_dictionaries(base), extra)


nested = st.recursive(
    nearly_right(st.just(IO)),
    lambda inside: nearly_right(inside | st.lists(inside, max_size=2)),
    max_leaves=4,
)
READERS: tuple[Callable[[dict[str, object]], object], ...] = (
    reading.read,
    reading.read_activity,
    reading.read_object,
    reading.read_actor,
    reading.read_post,
)
# More by hand: FUZZ=5000 pytest tests/unit/federation/test_fuzz.py
often = settings(
    max_examples=int(os.environ.get("FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


def understand(document: dict[str, object]) -> None:
    for reader in READERS:
        try:
            value = reader(document)
        except Malformed:
            continue
        assert type(value).__module__ == "federation.vocab"


@often
@given(documents_of_anything)
def test_any_object_is_understood_or_refused(document: dict[str, object]) -> None:
    understand(document)


@often
@given(nested)
def test_a_nearly_right_document_is_understood_or_refused(document: dict[str, object]) -> None:
    understand(document)


@often
@given(nested)
def test_what_comes_through_the_wire_can_be_written_and_read_again(document: dict[str, object]) -> None:
    body = json.dumps(document).encode()
    try:
        parsed = documents.parse(body)
        value = reading.read(parsed)
    except Malformed:
        return
    if isinstance(value, Unsupported):
        return
    written = writing.write(value)
    again = reading.read(documents.parse(written))
    assert not isinstance(again, Unsupported)
    assert writing.write(again) == written


@often
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_bounded_document_or_refused(body: bytes) -> None:
    for reader in (
        documents.parse,
        discovery.read_descriptor,
        discovery.read_nodeinfo,
        discovery.read_host_meta,
    ):
        try:
            reader(body)
        except Malformed:
            continue
    try:
        discovery.read_nodeinfo_links(body, "https://masto.example")
    except Malformed:
        return


@often
@given(st.text(max_size=60) | st.from_regex(discovery.HANDLE, fullmatch=True))
def test_any_resource_is_understood_or_refused(text: str) -> None:
    try:
        found = discovery.parse_resource(text)
    except Malformed:
        return
    assert isinstance(found, discovery.Handle | discovery.ResourceUri)


@often
@given(json_values)
def test_a_single_value_never_breaks_its_reader(value: object) -> None:
    for reader in (documents.one, documents.id_of, documents.moment, documents.count):
        reader(value)
    assert len(documents.many(value)) <= 100
    assert len(documents.text(value, 10)) <= 10
    line = documents.line(value, 10)
    assert len(line) <= 10
    assert line == line.strip()
    assert not set(line) & set("\n\r\t\0\u202e")


def test_a_word_is_either_a_verb_or_an_object() -> None:
    assert not (VERBS & IGNORED_VERBS)
    assert not (OBJECT_KINDS & (VERBS | IGNORED_VERBS))


@pytest.mark.parametrize("term", sorted(contexts.USUAL))
@given(meaning=json_values)
@settings(max_examples=10, deadline=None, database=None)
def test_a_word_of_authority_keeps_its_meaning(term: str, meaning: object) -> None:
    if isinstance(meaning, str) and meaning in contexts.USUAL[term]:
        return
    with pytest.raises(Malformed, match="bad_context"):
        contexts.check({"@context": [{term: meaning}]})


plain_looking = st.builds(
    lambda post, more_post, more: {
        "id": "https://masto.example/acts/1",
        "type": "Create",
        "actor": IO,
        "object": {**post, **more_post},
        **more,
    },
    st.fixed_dictionaries(
        {
            "id": st.just("https://masto.example/x/1"),
            "type": st.sampled_from(["Note", "Page", "Article", "Question", "ChatMessage"]),
            "attributedTo": st.just(IO),
            "content": st.sampled_from(["<p>x</p>", "", "&<>" * 2_000]),
        }
    ),
    st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=3),
    st.dictionaries(st.sampled_from(sorted(set(MEMBERS) - {"object"})), json_values, max_size=2),
)


@often
@given(plain_looking)
def test_what_is_called_plain_is_never_refused_afterwards(document: dict[str, object]) -> None:
    body = json.dumps(document).encode()
    try:
        parsed = documents.parse(body)
    except Malformed:
        return
    if reading.is_plain_post(parsed, body, Uri(IO)):
        act = authenticity.from_signed_request(parsed, body, Uri(IO))
        assert isinstance(act, authenticity.Authentic)
        assert act.value.id == parsed["id"]
        assert isinstance(act.value, vocab.Create) and isinstance(act.value.object, vocab.Post)
