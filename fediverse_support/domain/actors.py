"""Accounts, actors, groups and memberships as the application knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.domain.ids import AccountId, ActorId

Role = Literal["moderator", "admin", "safety-lead", "deputy"]
ROLES: Final[tuple[Role, ...]] = ("moderator", "admin", "safety-lead", "deputy")
GroupKind = Literal["home", "home-open", "circle", "open"]
ActorKind = Literal["person", "group", "instance", "service"]
ActorStanding = Literal["visible", "limited", "suspended", "deleted"]
FollowStanding = Literal["pending", "accepted", "rejected", "left", "severed"]


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor row without its texts: what is needed to address, sign and judge. `host` is None for ours."""

    id: ActorId
    uri: Uri
    kind: ActorKind
    host: Host | None
    name: str
    inbox_uri: Uri
    shared_inbox_uri: Uri | None
    followers_uri: Uri | None
    standing: ActorStanding
    account_id: AccountId | None


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person acting: the login with its roles in our team (none: a member), and the actor that
    speaks."""

    account_id: AccountId
    roles: frozenset[Role]
    actor_id: ActorId
    uri: Uri
    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group's row joined with its actor. `host` is None for ours."""

    id: ActorId
    uri: Uri
    host: Host | None
    name: str
    kind: GroupKind
    title: str
    followers_uri: Uri | None
    approval: bool
    posting_restricted: bool

    @property
    def federates(self) -> bool:
        """Something of it may leave this server (circle groups wait for their own work)."""
        return self.kind == "open"
