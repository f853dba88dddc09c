"""The one door: every activity, whoever sends it and however it came, goes through here.

Five stages in one transaction that the caller opened: load what is known, judge it, let the handler change
rows, put outgoing work beside them, log the decision. Of a batch, what can be is loaded and written for many
at once; each is judged and handled by itself, in its turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from federation import vocab
from federation.authenticity import Authentic
from federation.uris import Host
from federation.vocab import Activity
from fediverse_support.db.pool import Tx
from fediverse_support.domain.facts import Facts
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.question import ask
from fediverse_support.domain.verdicts import Rank, Verdict
from fediverse_support.pipeline import outbox, table
from fediverse_support.pipeline.outbox import Sheet
from fediverse_support.pipeline.runs import runs
from fediverse_support.pipeline.step import Change, Outcome, Step
from fediverse_support.policy.decide import decide
from fediverse_support.store import facts as store_facts
from fediverse_support.store.exchange.decisions import Record
from fediverse_support.store.people import follows


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
    its own: a refusal is an outcome.
    """
    sheet = Sheet(instance, now)
    step = _judge(sheet, act, await _load(tx, sheet, act, approved=approved))
    change = await _handle(tx, sheet, replace(step, post_id=post_id), act)
    return Outcome(step.facts, step.verdict, change, await outbox.flush(tx, sheet))


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch. `hosts` are the lanes that have work now.

    `put_off` are those, as they were given, that only a rule about a server refuses: nothing was done about
    them, and nothing logged.
    """

    hosts: frozenset[Host]
    put_off: tuple[Authentic[Activity], ...] = ()


async def apply_all(
    tx: Tx, instance: Instance, acts: Iterable[Authentic[Activity]], now: datetime, *, may_wait: bool = False
) -> Applied:
    """Apply activities in their order, each as `apply` would.

    A newcomer's posts that come together are all looked at as if each were the first. With `may_wait`, what
    only a rule about a server refuses is put off instead.
    """
    sheet = Sheet(instance, now, may_wait=may_wait)
    for run in runs(acts):
        alone = run if len(run) == 1 else await _apply_together(tx, sheet, run)
        for act in alone:
            await _handle(tx, sheet, _judge(sheet, act, await _load(tx, sheet, act)), act)
    return Applied(await outbox.flush(tx, sheet), tuple(sheet.put_off))


async def _apply_together(tx: Tx, sheet: Sheet, run: list[Authentic[Activity]]) -> list[Authentic[Activity]]:
    """Apply new posts on facts that were loaded for all of them; return those that have to be asked alone.

    Those are the ones behind a post that replies waited for: where these belong changes with it.
    """
    questions = [(ask(act.value), act.proof) for act in run]
    loaded = await store_facts.load_all(tx, sheet.instance, questions, sheet.now)
    awaited = (place for place, (it, _) in enumerate(questions, 1) if not loaded.awaited.isdisjoint(it.ids))
    together = next(awaited, len(run))
    asked = list(zip(run, loaded.facts, strict=True))[:together]
    steps = [(_judge(sheet, act, facts), act) for act, facts in asked]
    row = table.find_row(run[0].value)
    ready = [step for step, _ in steps]
    if row is not None and row.ahead is not None:
        ready = await row.ahead(tx, steps)
    for step, (_, act) in zip(ready, steps, strict=True):
        await _handle(tx, sheet, step, act)
    return run[together:]


async def _load(tx: Tx, sheet: Sheet, act: Authentic[Activity], *, approved: bool = False) -> Facts:
    question = ask(act.value, teller=act.by if act.proof == "group" else None)
    return await store_facts.load(
        tx, sheet.instance, question, proof=act.proof, now=sheet.now, approved=approved
    )


def _judge(sheet: Sheet, act: Authentic[Activity], facts: Facts) -> Step:
    row = table.find_row(act.value)
    if row is None:
        verdict = Verdict(Rank.DROP, ("unsupported",))
    elif act.proof not in row.proofs:
        verdict = Verdict(Rank.DROP, ("no_proof",))
    else:
        verdict = decide(facts)
    sheet.federation = facts.federation
    return Step(instance=sheet.instance, now=sheet.now, facts=facts, verdict=verdict)


async def _handle(tx: Tx, sheet: Sheet, step: Step, act: Authentic[Activity]) -> Change:
    row = table.find_row(act.value)
    if sheet.may_wait and step.verdict.is_for_now:
        sheet.put_off.append(act)
        return Change()
    if not isinstance(act.value, vocab.Create):
        # All but new posts may look at, or change, what was sent before.
        await outbox.flush(tx, sheet)
    change = await row.handler(tx, step, act) if row is not None and step.verdict.lets_in else Change()
    if step.facts.undone:
        await follows.forget_undone(tx, act.value.actor, ask(act.value).acts)
    await outbox.emit(tx, sheet, step, change.effects)
    sheet.records.append(_record(step, act, change))
    return change


def _record(step: Step, act: Authentic[Activity], change: Change) -> Record:
    value = act.value
    held = step.verdict.rank is Rank.HOLD
    return Record(
        uri=value.id or f"{value.actor}#without-id",
        actor_uri=value.actor,
        verb=type(value).__name__,
        object_uri=outbox.object_uri(value),
        # What waits for a moderator is kept word for word, since it may be relayed later; nothing else is.
        document=act.raw.decode() if act.raw is not None and (held or act.proof == "local") else None,
        direction="out" if act.proof == "local" else "in",
        public=value.audience.is_public,
        keep=step.verdict.lets_in and not isinstance(value, vocab.Observe),
        proof=act.proof,
        verdict=step.verdict.rank.name.lower(),
        reasons=step.verdict.reasons,
        effects=tuple(type(effect).__name__ for effect in change.effects),
        facts=msgspec.json.encode(_what_is_there(msgspec.to_builtins(step.facts))).decode(),
    )


def _what_is_there(facts: dict[str, object]) -> dict[str, object]:
    """Leave out what was not known or not so: most of what is asked is neither, and nobody is told of it."""
    return {
        name: _what_is_there(value) if isinstance(value, dict) else value
        for name, value in facts.items()
        if value or (value is not None and value is not False and value != () and value != [])
    }
