"""Letting people in who asked for an account here."""

from __future__ import annotations

from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import Conflict, NotFound
from fediverse_support.domain.ids import AccountId
from fediverse_support.domain.mails import Letter, domain_of
from fediverse_support.pipeline import outbox
from fediverse_support.policy import access
from fediverse_support.store.accounts import requests
from fediverse_support.store.moderation import reports


async def decide_account(db: Db, person: Person, account_id: AccountId, *, accept: bool) -> None:
    """Say yes or no to who asked for an account. Raises `NotFound` for whoever admits nobody, `Conflict`."""
    if not access.may(person.roles, "admit"):
        raise NotFound
    now = db.now()
    async with db.transaction() as tx:
        if accept:
            asked = await requests.admit(tx, account_id)
        else:
            asked = await requests.decline(tx, account_id, now)
        if asked is None:
            raise Conflict(code="decided_already")
        action = "account_admitted" if accept else "account_declined"
        await reports.log_action(tx, person.account_id, action, asked.name, "", now)
        if asked.address is not None:
            await outbox.send_letter(tx, _answer(account_id, asked.address, accept=accept), now)


def _answer(account_id: AccountId, address: str, *, accept: bool) -> Letter:
    """Return the letter that answers whoever asked. After a no, it alone still knows the address."""
    domain = domain_of(address)
    if accept:
        return Letter(name="account_approved", account_id=account_id, domain=domain)
    return Letter(name="account_declined", account_id=account_id, domain=domain, to=address)
