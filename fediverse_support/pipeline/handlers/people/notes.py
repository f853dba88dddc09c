"""What a group of ours writes by itself to one person elsewhere: a welcome, and the answer to a message."""

from __future__ import annotations

from federation import vocab
from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain import automatic
from fediverse_support.domain.effects import Effect, Send
from fediverse_support.domain.ids import ActorId, FollowId, fresh_token
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.pipeline.step import Step
from fediverse_support.store.people import follows
from fediverse_support.store.people.follows import Reader


async def welcome(
    tx: Tx, step: Step, follow_id: FollowId, group_id: ActorId, group: Uri
) -> tuple[Effect, ...]:
    """Write once to whoever came to an open group from elsewhere; nothing where they were written to before.

    It stands behind the Accept, and leaves behind it.
    """
    reader = await follows.welcome(tx, follow_id)
    if reader is None:
        return ()
    content = automatic.welcome(step.instance.help_url)
    return (write(step, reader, content, group_id=group_id, group=group),)


def write(
    step: Step,
    reader: Reader,
    content: SafeHtml,
    *,
    group_id: ActorId,
    group: Uri,
    answering: Uri | None = None,
) -> Send:
    """Return a note from a group to one person, which names the server as what wrote it."""
    only_them = vocab.Audience(to=(reader.uri,))
    note = vocab.Post(
        id=step.instance.post_uri(fresh_token()),
        kind="Note",
        attributed_to=group,
        audience=only_them,
        content=content,
        language="en",
        in_reply_to=answering,
        published=step.now,
        mentions=(vocab.Mention(reader.uri, f"@{reader.name}@{reader.host}"),),
        generator=step.instance.actor_uri,
    )
    create = vocab.Create(
        id=step.instance.activity_uri(fresh_token()),
        actor=group,
        object=note,
        audience=only_them,
        published=step.now,
    )
    return Send(sender_id=group_id, activity=create, to=(reader.id,))
