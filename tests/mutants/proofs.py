"""Faults in what proves who said something: signatures, origins, groups that speak for others."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

SIGNATURES: Final = "federation/signatures.py"
AUTHENTIC: Final = "federation/authenticity.py"
REFUSALS: Final = ("tests/unit/federation/test_signature_refusals.py",)
PROOF: Final = ("tests/unit/federation/test_authenticity.py",)
RELAYS: Final = ("tests/unit/federation/test_relays.py",)

MUTANTS: Final = (
    Mutant(SIGNATURES, 'if not covered >= ALWAYS_COVERED or not covered & {"date", "(created)"}:',
           "if not covered >= ALWAYS_COVERED:",
           "a request recorded once can be sent again for ever", REFUSALS),
    Mutant(SIGNATURES, 'if needs_digest and "digest" not in covered:', "if False:",
           "the words under somebody's signature can be exchanged", REFUSALS),
    Mutant(SIGNATURES, "    check_host(request, hosts)\n", "",
           "what was signed for another server is taken as meant for ours", REFUSALS),
    Mutant(SIGNATURES, 'check_clock(read_date(request.first("date") or ""), now)',
           'read_date(request.first("date") or "")',
           "what somebody said years ago can be said again in their name", REFUSALS),
    Mutant(SIGNATURES, "if len(found) != 1:", "if not found:",
           "of two digests we check one, and another server the other", REFUSALS),
    Mutant(SIGNATURES,
           "if not hmac.compare_digest(_base64(found[0], 32), hashlib.sha256(request.body).digest()):",
           "if False:", "the body can be exchanged under a good signature", REFUSALS),
    Mutant(SIGNATURES, "    check_single(request)\n", "",
           "a second Host or Date is read differently by us and by the proxy", REFUSALS),
    Mutant(SIGNATURES, "if expires is not None and now - NEWEST > moment(expires):", "if False:",
           "a signature counts after the end its maker gave it", REFUSALS),
    Mutant(SIGNATURES, "if len(given) != len(items):", "if False:",
           "a parameter that stands twice is read in two ways", REFUSALS),
    Mutant(AUTHENTIC, "if activity.actor != signer and not _speaks_for(signer, activity):", "if False:",
           "anybody speaks in anybody's name", PROOF),
    Mutant(AUTHENTIC, "return isinstance(activity, Flag) and uris.same_origin(signer, activity.actor)",
           "return uris.same_origin(signer, activity.actor)",
           "one member of a server posts in the name of another", PROOF),
    Mutant(AUTHENTIC, "case Create(object=Post() as post) if not _is_author(actor, post):",
           "case Create(object=Post() as post) if False:",
           "words are put into somebody's mouth by an embedded post", PROOF),
    Mutant(AUTHENTIC, "case Update(object=Post() as post) if not _is_author(actor, post):",
           "case Update(object=Post() as post) if False:",
           "somebody's post is rewritten by another", PROOF),
    Mutant(AUTHENTIC, "case Update(object=Actor() as changed) if changed.id != actor:",
           "case Update(object=Actor() as changed) if False:",
           "somebody's profile and key are exchanged by another", PROOF),
    Mutant(AUTHENTIC, "            _require_own(actor, undone)\n", "            pass\n",
           "a stranger takes back what somebody else did", PROOF),
    Mutant(AUTHENTIC, "if not _is_of(actor, activity.id):", "if False:",
           "an id of another server is taken before that server uses it", PROOF),
    Mutant(AUTHENTIC, "if thing.id != found.uri:", "if False:",
           "any page on the web vouches for a post of another server", PROOF),
    Mutant(AUTHENTIC, "if not uris.same_origin(thing.id, thing.attributed_to):", "if False:",
           "a server serves posts in the name of people of another", PROOF),
    Mutant(AUTHENTIC, "if claim.object != asked or not uris.same_origin(asked, claim.actor):",
           "if claim.object != asked:",
           "a page that is not there deletes in the name of another server's people", PROOF),
    Mutant(AUTHENTIC, "return post.attributed_to == actor and uris.same_origin(post.id, actor)",
           "return post.attributed_to == actor",
           "a post is stored under an id of another server", PROOF),
    Mutant(AUTHENTIC, "if inner.id is not None and not uris.same_origin(inner.id, inner.actor):", "if False:",
           "a group relays under ids of servers it does not speak for", RELAYS),
    Mutant(AUTHENTIC, "if undone.actor != inner.actor or not _is_of(inner.actor, undone.id):", "if False:",
           "a group relays that somebody took back another's like", RELAYS),
    Mutant(AUTHENTIC, 'proof: Proof = "signature" if uris.same_origin(inner.actor, group) else "group"',
           'proof: Proof = "signature"',
           "a group's word for a stranger's like counts everywhere", RELAYS),
)  # fmt: skip
