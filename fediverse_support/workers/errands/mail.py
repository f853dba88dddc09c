"""Send a mail: whom it is for and whether it is still true are asked at the moment it leaves."""

from __future__ import annotations

from functools import partial
from typing import Final, cast

from fediverse_support.adapters.mailer import AddressRefused, MailProblem
from fediverse_support.domain.ids import AccountId
from fediverse_support.domain.mails import LetterName, Mail
from fediverse_support.reads.accounts import find_recipient
from fediverse_support.store.jobs import Job
from fediverse_support.workers.errands import letters
from fediverse_support.workers.errands.letters import FORMS, SUBJECT
from fediverse_support.workers.errands.outcomes import Done, Later, Never, Outcome
from fediverse_support.workers.errands.outside import Outside

GONE: Final = Done()
"""Whom it was for is gone, or has no address any more."""


async def step(outside: Outside, job: Job) -> Outcome:
    """Send one letter, unless its cause is gone."""
    name = cast(LetterName, job.payload["letter"])
    if name not in FORMS:
        return Never("unknown_letter")
    account_id = AccountId(int(job.payload["account"]))
    async with outside.deps.db.connection() as conn:
        found = await find_recipient(conn, account_id, FORMS[name].standing)
    if found is None:
        return GONE
    to = str(job.payload.get("to") or found.address or "")
    if not to:
        return GONE
    mail = Mail(
        key=str(job.id),
        to=to,
        subject=SUBJECT,
        text=letters.write(name, outside.deps.instance),
        written_at=job.created_at,
    )
    try:
        await outside.mailer.send(mail)
    except AddressRefused as refused:
        return Never(refused.code)
    except MailProblem as problem:
        return Later(problem.code, of_all=problem.of_all)
    return Done(then=partial(outside.mailer.forget, mail))
