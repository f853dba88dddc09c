"""JSON-LD contexts: the one we write, and the limits of those we accept.

We never fetch or expand a context. It is enough that none changes the meaning of a word by which we decide
who did what to whom.
Sources: JSON-LD 1.1 section 9.3, FEP-fe34; attacks on re-arranged signed documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from federation.errors import Malformed

ACTIVITYSTREAMS: Final = "https://www.w3.org/ns/activitystreams"
AS: Final = f"{ACTIVITYSTREAMS}#"
SECURITY: Final = "https://w3id.org/security#"
LDP: Final = "http://www.w3.org/ns/ldp#"


def _as(*terms: str) -> dict[str, frozenset[str]]:
    return {term: frozenset({f"as:{term}", f"{AS}{term}"}) for term in terms}


def _security(*terms: str) -> dict[str, frozenset[str]]:
    return {term: frozenset({f"sec:{term}", f"{SECURITY}{term}"}) for term in terms}


USUAL: Final[Mapping[str, frozenset[str]]] = {
    "id": frozenset({"@id"}),
    "type": frozenset({"@type"}),
    **_as("actor", "object", "target", "attributedTo", "to", "cc", "audience"),
    **_security("publicKey", "owner", "publicKeyPem"),
    "inbox": frozenset({"ldp:inbox", f"{LDP}inbox", "as:inbox", f"{AS}inbox"}),
    "as": frozenset({AS}),
    "sec": frozenset({SECURITY, "https://w3id.org/security/v1#"}),
    "ldp": frozenset({LDP}),
}
"""Words (and prefixes) that carry authority, with the only meanings they may be given."""

FORBIDDEN: Final = frozenset({"@graph", "@reverse", "@included", "@nest", "@base", "@import"})
"""Keywords that move members to another place than the one where we read them."""


def check(node: Mapping[str, object]) -> None:
    """Raise `Malformed("bad_context")` if an object moves members or redefines a word of authority."""
    if not FORBIDDEN.isdisjoint(node):
        raise Malformed("bad_context")
    if "@context" in node:
        context = node["@context"]
        for part in context if isinstance(context, list) else (context,):
            if isinstance(part, dict):
                _check_terms(part)
            elif isinstance(part, list):
                raise Malformed("bad_context")


def _check_terms(terms: Mapping[str, object]) -> None:
    for term, meaning in terms.items():
        iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
        spelled = iri if isinstance(iri, str) else ""
        if spelled in FORBIDDEN or (term in USUAL and spelled not in USUAL[term]):
            raise Malformed("bad_context", term[:100])


OURS: Final[tuple[object, ...]] = (
    ACTIVITYSTREAMS,
    "https://w3id.org/security/v1",
    "https://w3id.org/security/data-integrity/v2",
    "https://www.w3.org/ns/cid/v1",
    "https://join-lemmy.org/context.json",
    "https://purl.archive.org/socialweb/webfinger",
    {
        "toot": "http://joinmastodon.org/ns#",
        # The fragment after the host is how the term is spelled everywhere, so we spell it so too.
        "schema": "http://schema.org#",
        "gts": "https://gotosocial.org/ns#",
        "sensitive": "as:sensitive",
        "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
        "Hashtag": "as:Hashtag",
        "movedTo": {"@id": "as:movedTo", "@type": "@id"},
        "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
        "discoverable": "toot:discoverable",
        "indexable": "toot:indexable",
        "suspended": "toot:suspended",
        "memorial": "toot:memorial",
        "featured": {"@id": "toot:featured", "@type": "@id"},
        "implements": {"@id": "https://w3id.org/fep/844e/implements", "@type": "@id"},
        "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"},
        "canQuote": {"@id": "gts:canQuote", "@type": "@id"},
        "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
        "manualApproval": {"@id": "gts:manualApproval", "@type": "@id"},
    },
)
"""The context of every document we write: constant, and never fetched by us."""
