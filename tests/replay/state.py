"""The state an exchange leads to, by ids alone, so that it can be compared between two servers."""

from __future__ import annotations

from typing import Any

from fediverse_support.db.pool import Conn

QUERIES = {
    "follows": """
        select a.uri as follower, t.uri as target, f.standing
        from follows f join actors a on a.id = f.follower_id join actors t on t.id = f.target_id
        where f.standing in ('pending', 'accepted') order by 1, 2
    """,
    "posts": """
        select p.uri, a.uri as author, g.uri as "group", p.title, p.body_text as text, q.uri as parent
        from posts p join actors a on a.id = p.author_id
        left join actors g on g.id = p.group_id left join posts q on q.id = p.parent_id
        where p.standing = 'visible' order by 1
    """,
    "likes": """
        select r.actor_uri as by, p.uri as post
        from reactions r join posts p on p.id = r.post_id order by 1, 2
    """,
    "boosts": """
        select a.uri as by, p.uri as post
        from announces n join actors a on a.id = n.actor_id join posts p on p.id = n.post_id
        where n.undone_at is null and p.standing = 'visible' order by 1, 2
    """,
}


async def state_of(conn: Conn) -> dict[str, list[dict[str, Any]]]:
    """Return who follows whom, which posts can be read, and who passed them on."""
    return {name: [dict(row) for row in await conn.fetch(sql)] for name, sql in QUERIES.items()}
