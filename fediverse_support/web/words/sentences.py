"""Words that several pages say: who can read what, when something was, and what went wrong.

Whole sentences with named slots, so that they can be translated. The audience sentences are exact wording:
a test holds them to the letter.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Final

from federation.uris import Host
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.files import File
from fediverse_support.domain.house import Federation
from fediverse_support.reads.moderation.servers import MOST
from fediverse_support.speech import Message, Moment, _, n_

KIND_NAMES: Final[dict[GroupKind, Message]] = {
    "home": _("Home group"),
    "home-open": _("Home-open group"),
    "circle": _("Circle group"),
    "open": _("Open group"),
}
KINDS: Final[dict[GroupKind, tuple[Message, Message]]] = {
    "home": (_("Home group."), _("Only members, only on this server.")),
    "home-open": (_("Home-open group."), _("Anyone signed in here can read it. It stays on this server.")),
    "circle": (_("Circle group."), _("Only members. Some may use other servers that were agreed on.")),
    "open": (_("Open group."), _("Anyone can read it. Copies go to other servers.")),
}

# What a page says once after something was done, by the word in its address.
DONE: Final[dict[str, Message]] = {
    "joined": _("You are in. Read as long as you like before you write."),
    "asked": _("We have passed on that you would like to join. A moderator will answer within a day."),
    "new-password": _("Your new password is set. Every browser and app was signed out. Sign in with it now."),
    "left": _("You have left the group. No one is told. What you wrote is on your own page."),
    "saved": _("Your changes are saved."),
    "told": _("Thank you for telling us. A person will read this. We do not say who told us."),
    "approved": _("The post is up."),
    "refused": _("The post stays hidden."),
    "taken-down": _("The post is hidden now."),
    "paused": _("Nobody can reply here now, until someone from the team lets it go on."),
    "goes-on": _("People can reply here again."),
    "closed": _("The report is closed."),
    "message-done": _("The message is marked as done."),
    "let-in": _("They are in."),
    "not-let-in": _("They were not let in."),
    "accepted": _("They follow you now. You can take that back at any time."),
    "declined": _("They do not follow you. You do not have to give a reason."),
    "follower-removed": _("They do not follow you any more."),
    "answered": _("Nothing was changed. This was answered already, or they took it back."),
    "rule-set": _("The rule is in force from this moment."),
    "rule-cleared": _("The rule is gone. What it hid is back."),
    "signed-out": _("You are signed out on this device."),
}

COVERED: Final = _("The author marked this as sensitive")

NOT_HERE: Final = _("This page is not here, or you do not have a way in. We say the same for both.")
TAKEN_OUT: Final = _(
    "A moderator decided that this post does not appear. Here, only you and our team can see it now."
)
# Why a post that was taken out cannot be sent again as things are.
NOT_AGAIN: Final[dict[str, Message]] = {
    "group": _(
        "This group is not open to you now, so you cannot send it there again. Your words stay here for you."
    ),
    "banned": _("You cannot write in this group now. Your words stay here for you."),
    "join": _("You can send it again once you have joined the group."),
    "waiting": _("You can send it again once a moderator has let you into the group."),
    "moderators": _("Only moderators start conversations in this group now. Your words stay here for you."),
    "paused": _("The conversation it belonged to is paused for now. Your words stay here for you."),
    "conversation": _("The conversation it belonged to is not here any more. Your words stay here for you."),
}
TAKES_NO_REPLIES: Final = _("Nobody can reply here now. You can still read.")
SIGN_IN_AGAIN: Final = _("You were signed out. Sign in and your words will be here.")
SIGN_IN: Final = _("You are signed out. Please sign in to go on.")
LINKS: Final[dict[str, Message]] = {
    "find-a-group": _("Find a group"),
    "find": _("Find"),
    "about": _("About us"),
    "join": _("Join"),
    "sign-in": _("Sign in"),
    "you": _("You"),
    "waiting": _("Waiting"),
    "groups": _("Your groups"),
    "servers": _("Other servers"),
}
"""The main links at the top of every page."""
A_GROUP: Final = _("Group")
A_CONVERSATION: Final = _("Conversation")
A_CONVERSATION_HIDDEN: Final = _("A conversation")
SOMEONE: Final = _("Someone")
# What a form's fields are called when the words in them come back. Every field that people write words in.
KEPT: Final[dict[str, Message]] = {
    "title": _("The title"),
    "body": _("What you wrote"),
    "warning": _("The content note"),
    "told": _("Why, for everybody"),
    "reason": _("Why"),
    "note": _("The note for the team"),
}
FORM_NOT_OURS: Final = _(
    "This form was open for a long time, or did not come from our pages. Nothing was sent. "
    "Please go back, load the page again, and send it once more."
)
NOT_A_FORM: Final = _("Please send this with the form on our page.")
TOO_MUCH: Final = _("That is more than fits in one post. Please make it shorter, or send it in parts.")
NOT_WHOLE: Final = _("The form did not arrive whole. Please send it again.")
AWAY: Final = _(
    "We cannot reach our records right now. Please try again in a minute. "
    "If you need help now, use Get help now at the top: that page always works."
)
# What stands over a page that says why something was not done, by its status.
FAULTS: Final[dict[int, Message]] = {
    400: _("Something to fix"),
    403: _("This was not done"),
    404: _("Not here"),
    409: _("Things have changed"),
    410: _("No longer here"),
    413: _("Too much at once"),
    429: _("Please wait a little"),
    500: _("Something broke on our side"),
    503: _("We will be back soon"),
}
FAULT: Final = _("This was not done")
ANSWERS_NOTHING: Final = _("The post you are replying to is not here any more. Your words are kept.")
MODES: Final[dict[Federation, Message]] = {
    "open": _(
        "This server exchanges posts of open groups with other servers, except those it has a rule against."
    ),
    "allowlist": _("This server exchanges posts of open groups only with servers that our team has allowed."),
    "off": _("This server does not exchange posts with other servers."),
}
# What a report is about, as moderators read it.
REPORTED: Final[dict[str, Message]] = {
    "worried": _("Someone is worried about a person"),
    "rule": _("This may break a rule"),
    "elsewhere": _("Someone was asked to talk somewhere else"),
    "spam": _("An advert, or the same thing again and again"),
    "legal": _("This may be against the law"),
    "violation": _("This may break a rule"),
    "other": _("Something else"),
}
NO_ADDRESS: Final = _("This is no address that we can open. Nothing was asked of anybody.")
NOT_FOUND_THERE: Final = _(
    "We could not open this. It may not be there, it may not be for everybody, or its server does not answer."
)
A_PERSON_THERE: Final = _(
    "This is a person on another server. Our pages show groups and conversations; people elsewhere are "
    "followed with an app."
)
# What somebody is told about a decision, by its kind.
NOTICES: Final[dict[str, Message]] = {
    "removed": _("A moderator decided that something you wrote does not appear"),
    "taken_out": _("The people who run this group decided that something you wrote does not appear there"),
    "restored": _("The people who run this group let something you wrote appear again"),
    "locked": _(
        "The people who run this group paused a conversation of yours. Nobody can reply there for now"
    ),
    "unlocked": _("People can reply again in a conversation of yours"),
    "joined": _("You were let in"),
    "declined": _("A moderator said not now to your request"),
    "declined_there": _("The people who run this group said not now to your request"),
    "held": _("A post of yours is waiting for our team"),
    "approved": _("Your post is up"),
    "message": _("Somebody wrote to a group in your care, not for everybody to read"),
    "unbanned": _("You can join this group and write in it again"),
    "not_taken": _(
        "The server of this group did not take something you wrote. It shows here, and the people there do "
        "not see it"
    ),
}
# What a rule about a server does, said where it is in force.
IN_FORCE: Final[dict[str, Message]] = {
    "allow": _("It is allowed. Their posts and ours flow as usual."),
    "limit": _(
        "It is limited. Only people signed in here see their new posts. Our groups do not pass them on."
    ),
    "hold": _("It is on hold. Every post from there, and everyone who asks to join, waits for a moderator."),
    "suspend": _("It is suspended. Nothing goes out or comes in, and nothing of theirs shows."),
}
RULES: Final[dict[str, Message]] = {
    "allow": _("Allow"),
    "limit": _("Limit"),
    "hold": _("Hold"),
    "suspend": _("Suspend"),
}
NO_MATCH: Final = _("That name and password do not match.")
NO_WORDS: Final = _("No words")


def named(file: File, *, short: bool = False) -> str:
    """Say what stands beside a post: by its kind, and by what its author says it shows."""
    name = file.short if short else file.name
    match file.kind:
        case "link":
            return name or file.place
        case "picture":
            return _("Picture: %(name)s", name=name) if name else _("Picture, not described")
        case "film":
            return _("Video: %(name)s", name=name) if name else _("Video, not described")
        case "sound":
            return _("Sound: %(name)s", name=name) if name else _("Sound, not described")
        case "file":
            return _("File: %(name)s", name=name) if name else _("File, not described")


def content_note(words: str) -> Message:
    """Say what a content note says, where it stands for what it covers."""
    return _("Content note: %(words)s", words=words)


def did(what: str, someone: str) -> Message:
    """Say what somebody did that concerns the reader."""
    match what:
        case "reply":
            return _("%(name)s replied to you", name=someone)
        case "mention":
            return _("%(name)s wrote to you", name=someone)
        case "liked":
            return _("%(name)s liked what you wrote. Only you can see this", name=someone)
        case "join":
            return _("%(name)s would like to join a group in your care", name=someone)
        case "accepted":
            return _("%(name)s follows you", name=someone)
    return _("%(name)s would like to follow you", name=someone)


def banned(ends_at: datetime | None, now: datetime) -> Message:
    """Say that somebody is shut out of a group, and until when."""
    if ends_at is None:
        return _("The people who run this group decided that you cannot write in it now")
    if ends_at <= now:
        return _("The time in which you could not write in this group is over. You can join it again")
    return _(
        "The people who run this group decided that you cannot write in it until %(day)s",
        day=Moment(ends_at, now),
    )


FULL: Final = _(
    "Our team has many requests to read just now. Please ask again tomorrow. You can read open groups "
    "without an account."
)


def please_wait(after: timedelta, *, has_words: bool) -> Message:
    """Say how long to wait, in whole minutes, and where somebody typed something that it is kept."""
    minutes = max(1, ceil(after.total_seconds() / 60))
    wait = n_(
        "That was a lot in a short time. Please wait a minute.",
        "That was a lot in a short time. Please wait %(num)s minutes.",
        minutes,
    )
    return _("%(sentence)s Your words are kept.", sentence=wait) if has_words else wait


def and_your_words(sentence: str) -> Message:
    """Add to a sentence about a fault that nothing was lost."""
    return _("%(sentence)s What you wrote is below.", sentence=sentence)


def fewer(number: int) -> str:
    """Say a number about people without pointing at anyone."""
    if number >= MOST:
        return _("%(number)s or more", number=MOST)
    return _("none") if number == 0 else _("fewer than 5") if number < 5 else str(number)


def taken_out(host: Host | None) -> Message:
    """Say to an author who decided that their post does not appear, and who can see it still."""
    if host is None:
        return TAKEN_OUT
    return _(
        "The people who run this group, on %(host)s, decided that this post does not appear there. "
        "Here, only you and our team can see it now.",
        host=host,
    )


def shut_out(host: Host | None) -> Message:
    """Say to somebody why they cannot write in a group."""
    if host is None:
        return _("A moderator decided that you cannot write in this group.")
    return _(
        "The people who run this group, on %(host)s, decided that you cannot write in this group.", host=host
    )


def paused(host: Host | None) -> Message:
    """Say that a conversation takes no replies for now."""
    if host is None:
        return _("A moderator paused this for now. You can still read, and write to our team.")
    return _(
        "The people who run this group, on %(host)s, paused this for now. You can still read.", host=host
    )


def waiting(host: Host | None) -> Message:
    """Say to somebody that they asked to join a group and have no answer yet."""
    if host is None:
        return _("You asked to join. A moderator will answer within a day.")
    return _("You asked to join. The people who run this group, on %(host)s, will answer.", host=host)


def removal(federates: bool, asked: int, answered: int) -> Message:
    """Say the truth about a deleted post: where copies went, and who has not answered."""
    if not federates:
        return _("We have deleted this here. It never left this server. Someone may have saved it.")
    if asked == 0:
        return _("This never left. It is gone.")
    left = asked - answered
    answers = n_("1 has said yes.", "%(num)s have said yes.", answered)
    if left:
        silent = n_("1 has not answered.", "%(num)s have not answered.", left)
        answers = _("%(yes)s %(silent)s", yes=answers, silent=silent)
    return _(
        "We have deleted this here. %(asked)s %(answers)s Someone may have saved it.",
        asked=n_(
            "We have asked 1 other server to delete its copy.",
            "We have asked %(num)s other servers to delete their copies.",
            asked,
        ),
        answers=answers,
    )
