"""The main links at the top of every page."""

from __future__ import annotations

from fediverse_support.policy import access
from fediverse_support.reads.viewer import Viewer
from fediverse_support.web.pages.views import Link
from fediverse_support.web.words import sentences


def navigation(viewer: Viewer | None) -> tuple[Link, ...]:
    """Return the main links for a visitor, a member, a moderator or an admin."""
    if viewer is None:
        return (
            Link("/find", sentences.LINKS["find-a-group"]),
            Link("/about", sentences.LINKS["about"]),
            Link("/join", sentences.LINKS["join"]),
            Link("/sign-in", sentences.LINKS["sign-in"]),
        )
    you = Link(f"/@{viewer.person.name}", sentences.LINKS["you"])
    waiting, groups = Link("/mod/held", sentences.LINKS["waiting"]), Link("/home", sentences.LINKS["groups"])
    servers = Link("/admin/servers", sentences.LINKS["servers"])
    if access.may(viewer.person.roles, "administer"):
        return (servers, waiting, groups, you)
    if access.may(viewer.person.roles, "rule"):
        return (waiting, servers, groups, you)
    if has_a_desk(viewer):
        return (waiting, groups, Link("/find", sentences.LINKS["find"]), you)
    return (groups, Link("/find", sentences.LINKS["find"]), you)


def has_a_desk(viewer: Viewer | None) -> bool:
    """Say whether the pages of what waits for a moderator are there for whoever is looking."""
    return viewer is not None and access.has_a_desk(moderates=viewer.moderates, roles=viewer.person.roles)
