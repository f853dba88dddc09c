"""What the pages of posts and conversations say to their templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fediverse_support.domain.posts import Draft
from fediverse_support.reads.groups import GroupView
from fediverse_support.reads.posts.threads import PostView, QuotedView
from fediverse_support.web.pages.views import View
from fediverse_support.web.words.audiences import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteView(View):
    """A form in which somebody writes: what stands in it, a `problem` over it, and who will read it.

    `you` is the name under which it goes out.
    """

    group: GroupView | None
    draft: Draft
    problem: str
    reach: Reach
    you: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartView(WriteView):
    """The composer of a group."""

    group: GroupView
    first_posts_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EditView(WriteView):
    """A post of the viewer's own, to change; `back` is where it stands."""

    post: PostView
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainView(WriteView):
    """A post that was taken out, to be sent again; `answers` is what it replies to, None for no reply."""

    post: PostView
    answers: PostView | None
    back: str
    first_posts_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView(WriteView):
    """A reply to `answers`; `refusal` says why there is no form, and is empty where there is one."""

    base: str
    answers: PostView
    refusal: str
    may_join: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView(View):
    """What was decided about the viewer's own post; `not_again` says why it cannot be sent again."""

    post: PostView
    group: GroupView | None
    who: str
    reason: str
    hindrance: str
    not_again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveView(View):
    """What removing a post means; `not_left`: no copy is anywhere else yet."""

    post: PostView
    back: str
    federates: bool
    not_left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedView(View):
    """The truth about the copies of a removed post."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellUsView(View):
    """A report; `reason` and `body` are what stands in the form."""

    post: PostView
    reason: str
    body: str
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeDownView(View):
    """What taking a post down means; `told` and `reason` are what stands in the form."""

    post: PostView
    told: str
    reason: str
    back: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a reply answers, and where that is found; without `post` it is gone, without `address` wholly."""

    address: str | None
    post: PostView | QuotedView | None


@dataclass(frozen=True, slots=True)
class First(Quote):
    """The first post of a conversation, as what is answered; without `post` it is gone."""

    address: str
    post: PostView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLine:
    """A post on the page of its conversation, with what the viewer may do with it.

    `undo_until` is when it leaves, None when it has or will not; `decided` says who took it
    out, None where that was decided here.
    """

    post: PostView
    is_yours: bool
    by_moderator: bool
    may_edit: bool
    may_send_again: bool
    quote: Quote | None
    undo_until: datetime | None
    decided: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView(View):
    """A page of a conversation. `first` is None where its first post stands on another page, or is not shown.

    `is_said_below`: the heading is how the first post begins, right below it; it is for those who listen.
    `next_after` is where the next page begins, 0 on the last; `earlier` leads to the one before. `paused` and
    `why_paused` are said where it is. `answering` is what the form below answers, where that is not above it.
    """

    group: GroupView | None
    title: str
    root: PostView
    heading: str
    is_said_below: bool
    first: PostLine | None
    replies: Sequence[PostLine]
    base: str
    is_open: bool
    may_come_back: bool
    next_after: int
    earlier: str | None
    may_reply: bool
    may_join: bool
    moderates: bool
    refusal: str
    paused: str
    why_paused: str
    answering: First | None
    reach: Reach
    you: str
    draft: Draft
