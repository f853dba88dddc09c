"""The only way for deliveries to come in: proven at the edge, durable here, applied later by a worker."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from federation.uris import Host, Uri
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain.instance import Instance
from fediverse_support.store import queues, rechecks

MOST_LOOKED_AT: Final = 5_000

Accepted = Literal["new", "seen", "refused"]


async def accept_delivery(
    db: Db, instance: Instance, *, uri: Uri, host: Host, signer: Uri, body: bytes, signature: bytes | None
) -> Accepted:
    """Store a proven delivery in one statement; when this returns `new` it is durable.

    `signature` identifies key and signature (32 bytes); seen again, it has no effect. `refused` means that
    the host's
    domain is suspended, or missing on the allow-list, at this very moment.
    """
    async with db.connection() as conn:
        severity, is_new = await queues.insert_receipt(
            conn, uri=uri, host=host, signer=signer, body=body.decode(), digest=signature,
            mode=instance.federation, now=db.now(),
        )  # fmt: skip
    if severity == "suspend" or (instance.federation == "allowlist" and severity != "allow"):
        return "refused"
    return "new" if is_new else "seen"


async def wake_receivers(db: Db, hosts: set[Host]) -> None:
    """Ask for the lanes of these hosts to be served; without it they are found within a second or two."""
    async with db.connection() as conn:
        await queues.wake(conn, "receive", hosts)


async def look_again(tx: Tx, domain: str, now: datetime) -> None:
    """Have a domain's newest public posts compared with their origin, because nobody listened for a while.

    What their authors took back meanwhile was refused at the door; it must not come to light again.
    """
    await rechecks.look_again(tx, domain, MOST_LOOKED_AT, now)
