"""Reports that come from other servers, or from our own people."""

from __future__ import annotations

from federation import uris, vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store import reports


async def on_flag(tx: Tx, step: Step, act: Authentic[vocab.Flag]) -> Change:
    """Store a report for the moderators; of other servers' reports only public posts are linked."""
    local = step.facts.is_local
    post_ids, target_id = await reports.find_targets(tx, act.value.objects, trusted=local)
    if not post_ids and target_id is None:
        return Change()
    actor = step.facts.actor
    await reports.insert_report(
        tx,
        uri=act.value.id,
        reporter_id=actor.id if local and actor is not None else None,
        from_host=None if local else uris.host(act.value.actor),
        target_id=target_id,
        post_ids=post_ids,
        reason="other",
        body=act.value.content,
        now=step.now,
    )
    return Change()
