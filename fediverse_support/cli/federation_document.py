"""Prints `FEDERATION.md` (FEP-67ff) from the table of what we act on, so that the document cannot lie.

`make docs` writes it; a test compares it with what would be written.
"""

from __future__ import annotations

import inspect
from typing import Final

from federation import quirks
from fediverse_support.pipeline.table import TABLE

PROTOCOLS: Final = (
    ("[ActivityPub](https://www.w3.org/TR/activitypub/)", "server to server"),
    ("[WebFinger](https://www.rfc-editor.org/rfc/rfc7033)", "for people, groups, the instance and page addresses"),
    ("[HTTP signatures, draft-cavage-12](https://datatracker.ietf.org/doc/html/draft-cavage-http-signatures-12)",
     "sent first, verified always"),
    ("[HTTP Message Signatures, RFC 9421](https://www.rfc-editor.org/rfc/rfc9421)",
     "verified always; sent when a server answers 401 to the older kind, and remembered for that server"),
    ("[NodeInfo](https://nodeinfo.diaspora.software/) 2.0 and 2.1", "without counts of people or posts"),
)  # fmt: skip
PROPOSALS: Final = (
    ("1b12", "Group federation", "groups announce activities; we unwrap those of groups that somebody here follows"),
    ("67ff", "FEDERATION.md", "this file"),
    ("fe34", "Origin-based security model", "what another origin is said to have written is fetched from there"),
    ("f1d5", "NodeInfo in the fediverse", "2.0 and 2.1"),
    ("0151", "NodeInfo, 2025 edition", "empty usage"),
    ("2677", "Identifying the application actor", "a link in NodeInfo"),
    ("d556", "Server-level actor discovery", "WebFinger of the host's own address"),
    ("2c59", "WebFinger address from an actor", "`webfinger` on every actor"),
    ("7888", "Demystifying the context property", "one context per conversation"),
    ("f228", "Backfilling conversations", "contexts can be read; what a post answers is fetched, 20 steps at most"),
    ("11dd", "Context ownership", "a context belongs to its group"),
    ("4f05", "Soft deletion", "tombstones, with 410"),
    ("5feb", "Search indexing consent", "`indexable: false` unless somebody chose otherwise; what others write in open groups is found here only with it"),
    ("3b86", "Activity intents", "`Follow` and `Join` in the WebFinger answers for our people and for the host"),
    ("844e", "Capability discovery", "`generator.implements` names RFC 9421"),
)  # fmt: skip
PROOFS: Final = {
    "signature": "signed delivery",
    "fetch": "fetched from its origin",
    "local": "ours",
    "group": "its group's word",
}


def document() -> str:
    """Return the text of `FEDERATION.md`."""
    lines = [
        "# Federation",
        "",
        "What this software says to other servers and what it takes from them. Printed from the code by",
        "`make docs`.",
        "",
        "## Protocols",
        "",
        *(f"- {name}: {how}." for name, how in PROTOCOLS),
        "",
        "## Fediverse Enhancement Proposals",
        "",
        *(
            f"- [FEP-{number}](https://w3id.org/fep/{number}) {title}: {how}."
            for number, title, how in PROPOSALS
        ),
        "",
        "## Activities we act on",
        "",
        "| activity | object | taken if | what happens |",
        "| --- | --- | --- | --- |",
        *(_row(row.verb, row.objects, row.proofs, row.handler) for row in TABLE),
        "",
        "`Observe` is our name for a post that we fetched; it meets the same rules as one that was delivered.",
        "`Join` and `Leave` are read as `Follow` and its `Undo`. Everything else is answered 202 and has no effect.",
        *_people(),
        *_groups(),
        *_objects(),
        *_ids(),
        *_answers(),
    ]
    return "\n".join(lines) + "\n"


def _row(verb: str, objects: str, proofs: frozenset[str], handler: object) -> str:
    told = (inspect.getdoc(handler) or "").split("\n\n")[0].replace("\n", " ").replace("|", "/")
    taken = ", ".join(PROOFS[proof] for proof in PROOFS if proof in proofs)
    return f"| {verb} | {objects} | {taken} | {told} |"


def _people() -> tuple[str, ...]:
    return (
        "",
        "## People",
        "",
        "Our people answer themselves who may follow them (`manuallyApprovesFollowers`): a `Follow` waits, for",
        "days if need be, until `Accept` or `Reject`. A `Reject` may also follow an `Accept` and ends the follow.",
        "Posts for followers go to the accepted only.",
    )


def _groups() -> tuple[str, ...]:
    known = ", ".join(sorted(name for name in quirks.SPEAKS_ACTIVITIES))
    return (
        "",
        "## Groups",
        "",
        "A group is a `Group` actor. Follow it to take part; mention it in a public post to start a conversation.",
        "",
        "- An `open` group is public. A public post in it goes to its followers once, in the form that their",
        f"  server understands: `Announce` of the whole activity, word for word, where NodeInfo names {known};",
        "  `Announce` of the post's id, for new conversations only, everywhere else.",
        "- An edit or a deletion goes to every server that has a copy, by delivery or by fetch. A boost is taken",
        "  back with `Undo`.",
        "- `home`, `home-open` and, for now, `circle` groups do not exist for other servers: every address of",
        "  theirs answers 404.",
        "- A reply stays in the group of its conversation, whatever it claims. A post that is not public never",
        "  enters an open group.",
        "- Likes are passed on to nobody. Their author here reads who it was, where that person's own server says",
        "  it, once, and without a count.",
        "- Whoever follows an `open` group gets one private `Create` of a `Note` from it, ever, behind the `Accept`,",
        "  where their server takes the id of a post: what it may show others, and where help is. No human writes",
        "  it; `generator` names the instance actor, as in the answer to a message to the group alone.",
        "- A like, a boost or a moderator's decision that is here before its post waits for it, for twelve hours",
        "  at most, where the post may be on its way. A `Flag` waits a quarter of an hour; then it is kept without",
        "  the post, whose id stands in it.",
    )


def _objects() -> tuple[str, ...]:
    return (
        "",
        "## Objects",
        "",
        "`Note`, `Page` and `Article` are shown whole; a `Question` is shown as text with its answers. We write",
        "`Note` with `name` for a new conversation and `Note` with `inReplyTo` for a reply. `summary` is a content",
        "note; `sensitive` without one covers the post as well. Links, pictures and other files beside it are named",
        "in words, with a link to their origin, and not fetched. HTML is reduced to paragraphs, lists, quotations, code, emphasis and links.",
        "",
        "Public posts, activities and collections are given to signed requests only; groups, the instance actor,",
        "WebFinger and NodeInfo to everyone; people as a stub with their key until a request is signed.",
    )


def _ids() -> tuple[str, ...]:
    return (
        "",
        "## What is the same, and what is newer",
        "",
        "- Only a `Create` or an `Announce` is settled by its id. Whatever else comes again under an id, signed",
        "  anew, is applied again: a `Follow` after its `Undo`, an `Update` after an `Update`. One request counts",
        "  once.",
        "- A `Follow` that its `Undo` overtook has no effect; the next one under the same id has.",
        "- A `Follow` or `Announce` inside an `Accept`, a `Reject` or an `Undo` may lack its id: it is found by its",
        "  actor and object.",
        "- Of two edits the one with the later `updated` stands (else the `published` of the `Update`), of two of",
        "  the same time, or without one, what comes later. An `Update` that changes no word, warning, language or",
        "  attachment is no edit, and is passed on to nobody.",
        "- The address of a page is read as the id of the post it shows, in `inReplyTo` and in `object`: ours, and",
        "  those that posts of the same origin give as `url`. Of several in `inReplyTo` the first that we have",
        "  counts; several in `attributedTo` have to be of one origin.",
        "- Of what we send, a post comes before its group's `Announce` of it.",
    )


def _answers() -> tuple[str, ...]:
    return (
        "",
        "## What an inbox answers",
        "",
        "| status | meaning |",
        "| --- | --- |",
        "| 202 | stored, or known already, or without effect for us; with the first, it survives a crash, and a rule that we make about your server afterwards: it is applied when that ends |",
        "| 400 | no JSON that we read: too deep, too many members, a key twice, a `@context` that redefines terms |",
        "| 401 | no signature, or one that does not cover method, path, host, date and digest, or of another actor |",
        "| 401 `key_too_small` | an RSA key of less than 2048 bits proves nothing here; give the account a new one |",
        "| 403 | this server does not exchange anything with yours |",
        "| 413, 415 | over 1 MiB; not ActivityStreams, or compressed |",
        "| 429 | too many at once; `Retry-After` says when |",
        "| 503 | your key could not be had in time, or we ask for many at once, or our database is away; again later |",
    )


def main() -> None:
    """Print the document."""
    print(document(), end="")


if __name__ == "__main__":
    main()
