"""What this server is and what it can do, in the two forms clients know, and the stand-in pictures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fediverse_support.domain import house as of_house
from fediverse_support.domain import richtext
from fediverse_support.domain.house import House
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.posts import MAX_BODY
from fediverse_support.domain.version import PACKAGE, VERSION
from fediverse_support.reads import house as decided
from fediverse_support.reads.people import actors
from fediverse_support.reads.people.actors import ActorView
from fediverse_support.web.mastodon import render
from fediverse_support.web.mastodon.calls import Call
from fediverse_support.web.mastodon.errors import json

LEVEL: Final = "4.2.0"
"""What clients switch features by: it promises everything that this version of their API has."""

MEDIA_TYPES: Final = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]
PICTURES: Final = Path(__file__).parent / "static"
PIXELS: Final = 33_177_600
BYTES: Final = 16 * 1024 * 1024


async def v1(call: Call) -> Response:
    """GET /api/v1/instance."""
    return json(first_form(call.deps.instance, await _about(call)))


async def v2(call: Call) -> Response:
    """GET /api/v2/instance."""
    return json(second_form(call.deps.instance, await _about(call)))


async def extended_description(call: Call) -> Response:
    """GET /api/v1/instance/extended_description."""
    async with call.deps.db.connection() as conn:
        house = await call.deps.house(conn)
        words = await decided.find_wording(conn, "about")
    if words is None or not words.body:
        return json({"updated_at": "2026-01-01T00:00:00.000Z", "content": f"<p>{escape(house.summary)}</p>"})
    return json({"updated_at": render.moment(words.made_at), "content": richtext.from_markdown(words.body)})


async def rules(call: Call) -> Response:
    """GET /api/v1/instance/rules."""
    return json((await _about(call)).rules)


@dataclass(frozen=True, slots=True)
class About:
    """What the organisation says of itself, and whom to turn to."""

    house: House
    rules: list[dict[str, str]]
    contact: ActorView | None


async def _about(call: Call) -> About:
    async with call.deps.db.connection() as conn:
        house = await call.deps.house(conn)
        [text] = await decided.find_texts(conn, "rules")
        lines = of_house.rules(text) if text else ()
        rules = [{"id": str(number), "text": line, "hint": ""} for number, line in enumerate(lines, 1)]
        return About(house, rules, await actors.find_contact(conn))


def second_form(instance: Instance, about: About) -> dict[str, Any]:
    """Return the document of the second form."""
    base, house, contact = instance.base_url, about.house, about.contact
    registration = house.registration
    return {
        "domain": instance.host,
        "title": house.name,
        "version": version(),
        "source_url": f"{base}/about",
        "description": house.summary,
        "usage": {"users": {"active_month": 0}},
        "thumbnail": {"url": f"{base}/instance/thumbnail.png", "blurhash": None, "versions": {}},
        "icon": [],
        "languages": list(house.languages),
        "configuration": {
            **of_this_server(instance, about.house),
            **configuration(),
        },
        "registrations": {
            "enabled": registration in ("open", "approval"),
            "approval_required": registration == "approval",
            "reason_required": False,
            "message": None,
            "min_age": None,
            "url": f"{base}/join",
        },
        "contact": {
            "email": house.mail_address,
            "account": None if contact is None else render.account(contact, instance),
        },
        "rules": about.rules,
    }


def of_this_server(instance: Instance, house: House) -> dict[str, Any]:
    """Return where more is said about this server, and what of it is for whom."""
    base = instance.base_url
    return {
        "urls": {
            "streaming": streaming(instance),
            "about": f"{base}/about",
            "privacy_policy": f"{base}/privacy",
            "terms_of_service": None,
            "status": None,
        },
        "vapid": {"public_key": ""},
        "timelines_access": {
            "live_feeds": {"local": "authenticated", "remote": "authenticated"},
            "hashtag_feeds": {"local": "disabled", "remote": "disabled"},
            "trending_link_feeds": {"local": "disabled", "remote": "disabled"},
        },
        "limited_federation": house.federation != "open",
    }


def first_form(instance: Instance, about: About) -> dict[str, Any]:
    """Return the document of the first form."""
    house, contact = about.house, about.contact
    registration = house.registration
    return {
        "uri": instance.host,
        "title": house.name,
        "short_description": house.summary,
        "description": house.summary,
        "email": house.mail_address,
        "version": version(),
        "urls": {"streaming_api": streaming(instance)},
        "stats": {"user_count": 0, "status_count": 0, "domain_count": 0},
        "thumbnail": f"{instance.base_url}/instance/thumbnail.png",
        "languages": list(house.languages),
        "registrations": registration in ("open", "approval"),
        "approval_required": registration == "approval",
        "invites_enabled": False,
        "configuration": configuration(),
        "contact_account": None if contact is None else render.account(contact, instance),
        "rules": about.rules,
    }


def version() -> str:
    """Return the level of the API, and after the blank who we are."""
    return f"{LEVEL} (compatible; {PACKAGE} {VERSION})"


def configuration() -> dict[str, Any]:
    """Return the limits that a composer shows."""
    return {
        "accounts": {
            "max_featured_tags": 0,
            "max_pinned_statuses": 0,
            "max_profile_fields": 4,
            "profile_field_name_limit": 255,
            "profile_field_value_limit": 255,
            "max_display_name_length": 60,
            "max_note_length": 1000,
        },
        "statuses": {
            "max_characters": MAX_BODY,
            "max_media_attachments": 0,
            "characters_reserved_per_url": 23,
            "supported_mime_types": ["text/markdown"],
        },
        "media_attachments": {
            "supported_mime_types": MEDIA_TYPES,
            "description_limit": 1500,
            "image_size_limit": BYTES,
            "image_matrix_limit": PIXELS,
            "video_size_limit": BYTES,
            "video_frame_rate_limit": 60,
            "video_matrix_limit": PIXELS,
        },
        "polls": {
            "max_options": 10,
            "max_characters_per_option": 200,
            "min_expiration": 300,
            "max_expiration": 2_629_746,
        },
        "translation": {"enabled": False},
        "fediverse_support": {"groups": True},
    }


def streaming(instance: Instance) -> str:
    """Return where streams would be; clients insist on an address."""
    return f"ws{instance.base_url.removeprefix('http')}"


class Picture:
    """One of our own pictures, served from memory."""

    def __init__(self, name: str) -> None:
        self._response = Response(
            (PICTURES / name).read_bytes(),
            media_type="image/png",
            headers={
                "cache-control": "public, max-age=604800",
                "access-control-allow-origin": "*",
                "x-content-type-options": "nosniff",
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whichever method with the picture."""
        await self._response(scope, receive, send)
