"""A site full of awkward things, and every page of it with who looks at it."""

from __future__ import annotations

import json

from fediverse_support.actions.moderation import moderating, reporting
from fediverse_support.actions.people import following
from tests.integration.site import Site

BESIDE = json.dumps([
    {"kind": "Link", "url": f"https://news.example/{'story' * 40}", "media_type": "text/html", "alt": ""},
    {"kind": "Document", "url": "https://x.example/p.jpg", "media_type": "image/jpeg", "alt": "long" * 60},
    {"kind": "Image", "url": "https://x.example/q.png", "media_type": "image/png", "alt": ""},
])  # fmt: skip
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


async def furnish(site: Site) -> list[tuple[str, str | None]]:
    """Fill the site with awkward things, and return every page with who looks at it."""
    root = await site.writes(
        "marlow", f"{LONG_WORD}\n\n- one\n- two\n\n> quoted\n\n`{LONG_WORD}`\n\n    {LONG_WORD * 2}",
        group="frontroom", title=f"{LONG_WORD} {LONG_WORD}", warning="",
    )  # fmt: skip
    noted = await site.writes("tansy", "Forty candles.", group="frontroom", warning="death and grief")
    taken = await site.writes("wren", f"{LONG_WORD} and more.", parent=root, warning="a rough night")
    thread = await site.writes("wren", "My own words.", group="frontroom", title=LONG_WORD)
    for each in (taken, thread):
        await moderating.remove_post(site.db, site.deps.instance, site.people["asha"], each)
    reply = await site.writes("wren", "Yes.", parent=await site.writes("tansy", "Hello.", parent=root))
    outside = await site.writes("wren", "In the open.", group="appointments", title="Outdoors")
    alone = await site.writes("wren", "Seen from here.", group="appointments")
    async with site.db.connection() as conn:
        await conn.execute(
            "insert into peers (host, last_heard_at) values ('masto.example', $1)", site.db.now()
        )
        await conn.execute("update posts set standing = 'held' where id = $1", reply)
        await conn.execute("update posts set attachments = $2 where id = $1", outside, BESIDE)
        await conn.execute(
            "update posts set attachments = $2, sensitive = true, body_html = '', body_text = '', title = ''"
            " where id = $1", alone, BESIDE,
        )  # fmt: skip
    await reporting.report(
        site.db, site.deps.instance, site.people["wren"], target_id=None, post_ids=(noted,), reason="worried",
        body="He sounded low.",
    )  # fmt: skip
    for name, whom in (("marlow", "wren"), ("tansy", "wren")):
        await following.follow(site.db, site.deps.instance, site.people[name], site.people[whom].actor_id)
    async with site.db.connection() as conn:
        await conn.execute(
            "update follows f set standing = 'accepted' from actors a"
            " where a.id = f.follower_id and a.name = 'tansy' and f.target_id = $1",
            site.people["wren"].actor_id,
        )
        await conn.execute(
            "update actors set display_name = $1, summary_html = '<p>' || $1 || '</p>' where name = 'marlow'",
            LONG_WORD,
        )
    visitor = ("/", "/find", "/g/appointments", f"/g/appointments/t/{outside}", f"/g/appointments/t/{alone}",
               "/g/appointments/from-your-server", "/sign-in", "/join", "/help",
               "/about", "/rules", "/privacy", "/nowhere")  # fmt: skip
    member = ("/authorize_interaction?uri=@a@masto.example", "/home", "/find",
              "/g/frontroom", f"/g/frontroom/t/{root}", f"/g/frontroom/t/{noted}",
              f"/g/frontroom/t/{root}/reply?to={root}", "/g/frontroom/write", "/g/appointments/write",
               "/g/frontroom/leave", "/@wren", "/followers", f"/post/{outside}/edit",
               f"/post/{outside}/remove", f"/post/{root}/tell-us", f"/g/frontroom/t/{thread}",
               f"/post/{thread}/decision", f"/post/{taken}/decision", f"/post/{thread}/again",
               f"/post/{taken}/again", f"/post/{taken}/remove")  # fmt: skip
    staff = ("/mod/held", "/mod/reports", "/mod/members", f"/post/{root}/take-down")
    admin = ("/admin/servers", "/admin/servers/masto.example", "/admin/servers/look?domain=")
    return [
        *((path, None) for path in visitor),
        *((path, "wren") for path in member),
        *((path, "asha") for path in staff),
        *((path, "tom") for path in admin),
        ("/g/appointments/join", "heron"),
    ]
