"""The words of posts, and what replaces them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.richtext import SafeHtml


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The part of a post that an edit may change."""

    title: str
    body_html: SafeHtml
    body_source: str | None
    body_text: str
    warning: str
    sensitive: bool
    language: str
    attachments: str | None


# What differs in nothing that anybody reads is no edit, whatever it is called. `is_untold` asks whether those
# who follow the group have older words than these.
EDIT_POST: Final = """
with was as materialized (
    select id, is_untold,
        (title, body_html, warning, sensitive, language, attachments)
            is distinct from ($2, $3, $6, $7, $8, coalesce($10::jsonb, attachments)) as differs
    from posts where id = $1
), before as (
    insert into post_edits (post_id, title, body_html, warning, replaced_at)
    select id, title, body_html, warning, $9 from posts
    where id = $1 and (title, body_html, warning) is distinct from ($2, $3, $6)
)
update posts p set title = $2, body_html = $3, body_source = $4, body_text = $5, warning = $6, sensitive = $7,
    language = $8, attachments = coalesce($10::jsonb, p.attachments),
    edited_at = case when not was.differs or (p.standing = 'held' and p.host is null) then p.edited_at
                     else $9 end,
    words_at = coalesce($11, p.words_at),
    is_untold = case when $12 then false else was.is_untold or was.differs end
from was where p.id = was.id
  and (was.differs or was.is_untold and $12 or p.words_at is distinct from coalesce($11, p.words_at))
returning was.differs or was.is_untold
"""


async def edit_post(
    tx: Tx, post_id: PostId, words: Words, edited_at: datetime, *, words_at: datetime | None, told: bool
) -> bool:
    """Replace a post's words, keeping the old ones for moderators; say whether there is anything to tell.

    `words_at` is when they are from by their author's clock, None where nobody says so; `told` says that who
    follows hears of them now. What waits here was read by nobody, so one of ours is not called changed until
    it is up.
    """
    return bool(
        await tx.fetchval(
            EDIT_POST,
            post_id,
            words.title,
            words.body_html,
            words.body_source,
            words.body_text,
            words.warning,
            words.sensitive,
            words.language,
            edited_at,
            words.attachments,
            words_at,
            told,
        )
    )


MARK_UNTOLD: Final = "update posts set is_untold = true where id = $1 and not is_untold"


async def mark_untold(tx: Tx, post_id: PostId) -> None:
    """Remember that older words than ours were passed on."""
    await tx.execute(MARK_UNTOLD, post_id)


HAS_WORDS: Final = """
select exists (select 1 from posts where id = $1 and (title, body_html, warning) = ($2, $3, $4))
"""


async def has_words(conn: Conn, post_id: PostId, words: Words) -> bool:
    """Say whether a post reads like this."""
    return bool(await conn.fetchval(HAS_WORDS, post_id, words.title, words.body_html, words.warning))
