"""Who a thing is for, and to which inboxes that leads."""

from __future__ import annotations

import pytest

from federation import addressing
from federation.uris import Uri
from federation.vocab import PUBLIC, Audience

WREN = Uri("https://support.example/ap/u/wren")
WRENS = Uri("https://support.example/ap/u/wren/followers")
IO = Uri("https://masto.example/users/io")
IOS = Uri("https://masto.example/users/io/followers")
GROUP = Uri("https://support.example/ap/g/sleepless")
MEMBERS = Uri("https://support.example/ap/g/sleepless/followers")
OTHER = Uri("https://lemmy.example/c/quiet")


@pytest.mark.parametrize(
    ("audience", "meant"),
    [
        (Audience(to=(PUBLIC,), cc=(IOS,)), "public"),
        (Audience(to=(GROUP, PUBLIC)), "public"),
        (Audience(to=(IOS,), cc=(PUBLIC,)), "unlisted"),
        (Audience(to=(GROUP,), cc=(PUBLIC,)), "public"),
        (Audience(to=(MEMBERS,), cc=(PUBLIC,)), "unlisted"),
        (Audience(to=(IOS,)), "followers"),
        (Audience(to=(IOS,), cc=(GROUP,)), "followers"),
        (Audience(to=(GROUP,), cc=(MEMBERS,)), "group"),
        (Audience(group=GROUP), "group"),
        (Audience(to=(GROUP, WREN)), "direct"),
        (Audience(to=(WREN,), cc=(GROUP,)), "direct"),
        (Audience(to=(WREN,), group=GROUP), "direct"),
        (Audience(to=(MEMBERS,)), "direct"),
        (Audience(to=(OTHER,)), "direct"),
        (Audience(to=(WREN,)), "direct"),
        (Audience(), "direct"),
    ],
)
def test_an_audience_has_one_meaning(audience: Audience, meant: str) -> None:
    found = addressing.classify(audience, author_followers=IOS, groups={GROUP}, group_followers={MEMBERS})
    assert found == meant


def test_another_persons_followers_are_not_the_authors() -> None:
    assert addressing.classify(Audience(to=(WRENS,)), author_followers=IOS, groups=()) == "direct"
    assert addressing.classify(Audience(to=(WRENS,)), author_followers=None, groups=()) == "direct"


def test_a_public_group_post_names_the_group_public_and_the_mentioned() -> None:
    audience = addressing.for_group_post(WREN, GROUP, MEMBERS, [IO, WREN, GROUP, IO, PUBLIC], "public")
    assert audience == Audience(to=(GROUP, PUBLIC), cc=(MEMBERS, IO), group=GROUP)


def test_a_members_post_names_nobody_outside_the_group() -> None:
    audience = addressing.for_group_post(WREN, GROUP, MEMBERS, [IO], "members")
    assert audience == Audience(to=(GROUP,), cc=(MEMBERS,), group=GROUP)
    assert not audience.is_public


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("public", Audience(to=(PUBLIC,), cc=(WRENS, IO))),
        ("unlisted", Audience(to=(WRENS,), cc=(PUBLIC, IO))),
        ("followers", Audience(to=(WRENS,), cc=(IO,))),
        ("direct", Audience(to=(IO,))),
    ],
)
def test_a_profile_post_is_addressed_and_understood_alike(
    kind: addressing.ProfileKind, expected: Audience
) -> None:
    audience = addressing.for_profile_post(WREN, WRENS, [IO, WREN], kind)
    assert audience == expected
    assert addressing.classify(audience, author_followers=WRENS, groups=()) == kind


def test_a_host_gets_a_public_message_once() -> None:
    shared = Uri("https://masto.example/inbox")
    ios, ada = Uri("https://masto.example/users/io/inbox"), Uri("https://pie.example/u/ada/inbox")
    jos = Uri("https://masto.example/users/jo/inbox")
    second = Uri("https://masto.example/another-inbox")
    assert addressing.inboxes([(ios, shared), (ada, None), (jos, second), (jos, shared), (ada, None)]) == (
        shared,
        ada,
    )


def test_a_shared_inbox_on_another_host_is_not_used() -> None:
    inbox = Uri("https://evil.example/inbox")
    for foreign in (
        "https://honest.example/inbox",
        "http://evil.example/inbox",
        "https://evil.example:8443/inbox",
    ):
        assert addressing.inboxes([(inbox, Uri(foreign))]) == (inbox,)


def test_someone_without_a_shared_inbox_is_reached_in_person() -> None:
    gus, shared = Uri("https://gts.example/users/gus/inbox"), Uri("https://gts.example/inbox")
    other = Uri("https://gts.example/users/eve/inbox")
    assert addressing.inboxes([(other, shared), (gus, None)]) == (shared, gus)
