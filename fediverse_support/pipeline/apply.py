"""The one door: every activity, whoever sends it and however it came, goes through here.

Five stages in one transaction that the caller opened: load what is known, judge it, let the handler change
rows, put
outgoing work beside them, log the decision.
"""

from __future__ import annotations

from datetime import datetime

from federation import vocab
from federation.authenticity import Authentic
from federation.vocab import Activity
from fediverse_support.db.pool import Tx
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.question import ask
from fediverse_support.domain.verdicts import Rank, Verdict
from fediverse_support.pipeline import outbox, table
from fediverse_support.pipeline.step import Change, Outcome, Step
from fediverse_support.policy.decide import decide
from fediverse_support.store import facts as store_facts
from fediverse_support.store import outgoing
from fediverse_support.store.outgoing import Record

STAGES = ("load", "judge", "handle", "emit", "record")


async def apply(
    tx: Tx,
    instance: Instance,
    act: Authentic[Activity],
    now: datetime,
    *,
    post_id: PostId | None = None,
    approved: bool = False,
) -> Outcome:
    """Judge one activity and make it true; return the verdict, the change, and the hosts to wake.

    `approved` says that a moderator let it pass: what only had to wait is then accepted. Raises nothing of
    its own: a
    refusal is an outcome.
    """
    row = table.find_row(act.value)
    question = ask(act.value)
    facts = await store_facts.load(tx, instance, question, proof=act.proof, now=now, approved=approved)
    if row is None:
        verdict = Verdict(Rank.DROP, ("unsupported",))
    elif act.proof not in row.proofs:
        verdict = Verdict(Rank.DROP, ("no_proof",))
    else:
        verdict = decide(facts)
    step = Step(instance=instance, now=now, facts=facts, verdict=verdict, post_id=post_id)
    change = await row.handler(tx, step, act) if row is not None and verdict.lets_in else Change()
    hosts = await outbox.emit(tx, step, change.effects)
    await _record(tx, step, act, change)
    return Outcome(verdict, change, hosts)


async def _record(tx: Tx, step: Step, act: Authentic[Activity], change: Change) -> None:
    value = act.value
    held = step.verdict.rank is Rank.HOLD
    uri = value.id or f"{value.actor}#without-id"
    await outgoing.record(
        tx,
        Record(
            uri=uri,
            actor_uri=value.actor,
            verb=type(value).__name__,
            object_uri=outbox.object_uri(value),
            # What waits for a moderator is kept word for word, since it may be relayed later; nothing else
            # is.
            document=act.raw.decode() if act.raw is not None and (held or act.proof == "local") else None,
            direction="out" if act.proof == "local" else "in",
            public=value.audience.is_public,
            keep=step.verdict.lets_in and not isinstance(value, vocab.Observe),
            proof=act.proof,
            verdict=step.verdict.rank.name.lower(),
            reasons=step.verdict.reasons,
            effects=tuple(type(effect).__name__ for effect in change.effects),
        ),
        step.now,
    )
