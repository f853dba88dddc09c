"""What has to be looked up to judge one activity: pure, from the activity alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from federation import uris, vocab
from federation.uris import Host, Uri
from federation.vocab import Audience

MAX_ACTORS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The names and addresses that `store.facts` resolves in one statement.

    `places` are possible groups, most specific first. `ids` are what must not have been deleted, `acts` what
    must not
    have been undone.
    """

    verb: str
    actor: Uri
    audience: Audience
    places: tuple[Uri, ...] = ()
    parent: Uri | None = None
    target: Uri | None = None
    ids: tuple[Uri, ...] = ()
    acts: tuple[Uri, ...] = ()
    updated: datetime | None = None
    announced_by: Uri | None = None
    restores: bool = False
    has_post: bool = False

    @property
    def actors(self) -> tuple[Uri, ...]:
        """Every actor that may matter, at most 120."""
        named = (self.actor, self.announced_by, self.target, *self.places, *self.audience.everyone)
        return tuple(dict.fromkeys(uri for uri in named if uri is not None and uri != vocab.PUBLIC))[
            :MAX_ACTORS
        ]

    @property
    def posts(self) -> tuple[Uri, ...]:
        """Every post that may matter."""
        return tuple(uri for uri in (self.parent, self.target) if uri is not None)

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The actor's host first, then every other host that is involved."""
        return tuple(dict.fromkeys(uris.host(uri) for uri in (self.actor, *self.posts, *self._groups)))

    @property
    def _groups(self) -> tuple[Uri, ...]:
        return tuple(uri for uri in (self.announced_by, self.audience.group) if uri is not None)


def _about_post(
    verb: str, actor: Uri, post: vocab.Post, act: Uri, by: Uri | None = None, *, restores: bool = False
) -> Question:
    named = (
        post.audience.group,
        *post.audience.to,
        *post.audience.cc,
        *(tag.href for tag in post.mentions),
        by,
    )
    return Question(
        verb=verb,
        actor=actor,
        audience=post.audience,
        places=tuple(dict.fromkeys(uri for uri in named if uri is not None and uri != vocab.PUBLIC)),
        parent=post.in_reply_to,
        target=post.id,
        ids=(post.id,),
        acts=(act,),
        updated=post.updated,
        announced_by=by,
        restores=restores,
        has_post=True,
    )


def ask(act: vocab.Activity, *, teller: Uri | None = None) -> Question:
    """Return what has to be known about this activity before it can be judged.

    `teller` is the group on whose word it rests, None where its actor's own server proves it.
    """
    question = _question(act)
    if teller is None:
        return question
    match act:
        case vocab.Undo(object=vocab.Like() as undone):
            # What a group says about a reaction counts for its own posts alone.
            return replace(question, announced_by=teller, target=undone.object)
        case _:
            return replace(question, announced_by=teller)


def _question(act: vocab.Activity) -> Question:
    match act:
        case vocab.Create(object=vocab.Post() as post):
            return _about_post("Create", act.actor, post, act.id)
        case vocab.Update(object=vocab.Post() as post):
            said_at = post.updated or act.published
            return replace(_about_post("Update", act.actor, post, act.id), updated=said_at)
        case vocab.Observe():
            by, restores = act.announced_by, act.restores
            return _about_post("Observe", act.actor, act.object, act.id, by, restores=restores)
        case vocab.Create() | vocab.Update():
            target = act.object.id if isinstance(act.object, vocab.Actor) else act.object
            return Question(
                verb=type(act).__name__, actor=act.actor, audience=act.audience, target=_uri(target)
            )
        case vocab.Delete():
            return _about_decision("", act.actor, act)
        case vocab.Follow():
            # An Undo may have come first, and may have named the follow by its two ends alone.
            return Question(
                verb="Follow", actor=act.actor, audience=act.audience, target=act.object,
                places=(act.object,), acts=_known(act.id, act.object),
            )  # fmt: skip
        case vocab.Like():
            acts = _known(act.id)
            return Question(verb="Like", actor=act.actor, audience=act.audience, target=act.object, acts=acts)
        case vocab.Announce():
            boosted = act.object if isinstance(act.object, str) else None
            return Question(
                verb="Announce", actor=act.actor, audience=act.audience, target=_uri(boosted),
                acts=_known(act.id), announced_by=act.actor,
            )  # fmt: skip
        case vocab.Flag():
            places = act.audience.everyone + act.objects
            return Question(verb="Flag", actor=act.actor, audience=act.audience, places=places)
        case vocab.Block() | vocab.Lock():
            return _about_decision("", act.actor, act)
        case vocab.Undo(object=vocab.Block() | vocab.Lock() | vocab.Delete() as undone):
            return replace(_about_decision("Undo ", act.actor, undone), audience=act.audience, acts=())
        case vocab.Accept() | vocab.Reject() | vocab.Undo():
            return Question(verb=type(act).__name__, actor=act.actor, audience=act.audience)


def _about_decision(before: str, actor: Uri, act: vocab.Block | vocab.Lock | vocab.Delete) -> Question:
    """What moderators, or an author, did or took back; a block that names a group is that group's ban."""
    target = act.target if isinstance(act, vocab.Block) else None
    verb = type(act).__name__ if target is None else "Ban"
    return Question(
        verb=before + verb,
        actor=actor,
        audience=act.audience,
        places=() if target is None else (target,),
        target=act.object,
        acts=(act.id,),
    )


def _known(*named: Uri | None) -> tuple[Uri, ...]:
    return tuple(uri for uri in named if uri is not None)


def _uri(value: object) -> Uri | None:
    return Uri(value) if isinstance(value, str) else None
