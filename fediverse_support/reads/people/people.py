"""People as pages show them: a profile, and what its owner wrote where everyone may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain import files
from fediverse_support.domain.actors import Person
from fediverse_support.domain.files import File
from fediverse_support.domain.ids import AccountId, ActorId, PostId
from fediverse_support.domain.posts import PostStanding
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.reads.viewer import Readers

PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A local person, seen from outside. Which groups they belong to is nobody's business and not here."""

    id: ActorId
    uri: Uri
    name: str
    display_name: str
    summary_html: SafeHtml


@dataclass(frozen=True, slots=True)
class WrittenView:
    """A line in a profile: one post with where it stands.

    `group_title` is None outside of groups, and for one that the viewer may not read any more. Only its
    author sees a post that waits or was taken out.
    """

    id: PostId
    group_title: str | None
    group_host: Host | None
    standing: PostStanding
    title: str
    excerpt: str
    warning: str
    language: str
    published_at: datetime
    is_covered: bool
    first_file: str | None

    @property
    def only_file(self) -> File | None:
        """What it is called by where it has no words."""
        return files.read_one(self.first_file)


FIND_PERSON: Final = """
select c.id as account_id, c.roles, a.id as actor_id, a.uri, a.name
from accounts c join actors a on a.account_id = c.id and a.for_group_id is null
where c.id = $1 and c.standing = 'active' and a.standing in ('visible', 'limited')
"""


async def find_person(conn: Conn, account_id: AccountId) -> Person | None:
    """Return who acts for this account, or None when it is not active."""
    row = await conn.fetchrow(FIND_PERSON, account_id)
    return None if row is None else Person(**{**row, "roles": frozenset(row["roles"])})


FIND_PROFILE: Final = """
select a.id, a.uri, a.name, name_shown(a.display_name, a.name) as display_name, a.summary_html
from names n join actors a on a.id = n.actor_id join accounts c on c.id = a.account_id
where n.name = $1 and c.standing = 'active' and a.kind = 'person' and a.host is null and can_see_actor(a, $2)
"""


async def find_profile(conn: Conn, name: str, readers: Readers) -> ProfileView | None:
    """Return the local person of this name, if they are there for this viewer."""
    row = await conn.fetchrow(FIND_PROFILE, name, readers)
    return None if row is None else ProfileView(**row)


# A profile shows what was written in the open. Their own page shows people everything of theirs.
LIST_WRITTEN: Final = """
select p.id, case when (select e.yes from can_see_group_each(g.actor_id, $2) e (yes)) then g.title end
       as group_title, b.host as group_host, p.standing, p.title, left(p.body_text, 240) as excerpt,
       p.warning, p.language, p.published_at, p.warning <> '' or p.sensitive as is_covered,
       case when p.body_text = '' then p.attachments -> 0 end as first_file
from posts p
left join groups g on g.actor_id = p.group_id
left join actors b on b.id = p.group_id
cross join can_see_each(
    p.id, p.author_id, p.host, p.group_id, p.written_in, p.audience, p.standing, $2) v (yes)
where p.author_id = $1 and (v.yes or can_reread(p, $2))
  and (p.author_id = any ($2) or in_the_open(p.group_id, p.written_in))
  and p.id < $3
order by p.id desc
limit 21
"""


async def list_written(conn: Conn, author_id: ActorId, readers: Readers, before: int) -> list[WrittenView]:
    """Return up to `PAGE` + 1 posts of a person older than the row `before`, newest first: what stands in the
    open, and for its author everything.
    """
    return [WrittenView(**row) for row in await conn.fetch(LIST_WRITTEN, author_id, readers, before)]
