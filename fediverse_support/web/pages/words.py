"""Words that several pages say: who can read what, when something was, and what went wrong.

Whole sentences with named slots, so that they can be translated. The audience sentences are exact wording:
a test holds them to the letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final, Literal

from federation.uris import Host
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.posts import Audience
from fediverse_support.reads.moderation.servers import MOST

AUDIENCE: Final[dict[GroupKind, str]] = {
    "home": (
        "Only members of this group, on this server, can read this. It does not go to other servers. "
        "The people who run this server can read it too. Someone could still copy it."
    ),
    "home-open": (
        "Anyone signed in here can read this. It does not go to other servers. "
        "The people who run this server can read it too. Someone could still copy it."
    ),
    "circle": (
        "Members of this group can read this. Some of them use other servers, so a copy goes to "
        "those servers: "
        "{servers} right now. The people who run those servers can read it. We can ask them to "
        "delete it later, "
        "but we cannot make them."
    ),
    "open": (
        "Anyone can read this, now and later. Copies go to other servers and may show up in "
        "searches. We can ask "
        "for copies to be deleted, but we cannot make it happen. Do not share anything that could "
        "show who you are."
    ),
}
CIRCLE_ELSEWHERE: Final = (
    "Members of this group can read this. The group is on another server, so a copy goes there, and from "
    "there to the servers of its members. The people who run those servers can read it. We can ask them to "
    "delete it later, but we cannot make them."
)
FOLLOWERS: Final = (
    "Only people who follow you, and those you name, can read this. Some of them may use other servers, so a "
    "copy goes to those servers. The people who run this server and those servers can read it. We can ask "
    "them to delete it later, but we cannot make them."
)
MESSAGE: Final = (
    "This is a private message, but it is not locked. The people who run this server can read it. If the "
    "other person uses another server, the people who run that server can read it too."
)
REPLY_ELSEWHERE: Final = (
    "You are replying to someone on another server. "
    "Your reply and your name in this group will be sent there."
)
GROUP_ELSEWHERE: Final = (
    "This group is on another server. If you join, that server will learn your name in this group and that "
    "you joined. Being in a group like this can tell people something about your health. Is that OK with you?"
)
KINDS: Final[dict[GroupKind, tuple[str, str]]] = {
    "home": ("Home group.", "Only members, only on this server."),
    "home-open": ("Home-open group.", "Anyone signed in here can read it. It stays on this server."),
    "circle": ("Circle group.", "Only members. Some may use other servers that were agreed on."),
    "open": ("Open group.", "Anyone can read it. Copies go to other servers."),
}

# What a page says once after something was done, by the word in its address.
DONE: Final[dict[str, str]] = {
    "joined": "You are in. Read as long as you like before you write.",
    "asked": "We have passed on that you would like to join. A moderator will answer within a day.",
    "new-password": "Your new password is set. Every browser and app was signed out. Sign in with it now.",
    "left": "You have left the group. No one is told. What you wrote is on your own page.",
    "saved": "Your changes are saved.",
    "told": "Thank you for telling us. A person will read this. We do not say who told us.",
    "approved": "The post is up.",
    "refused": "The post stays hidden.",
    "taken-down": "The post is hidden now.",
    "paused": "Nobody can reply here now, until someone from the team lets it go on.",
    "goes-on": "People can reply here again.",
    "closed": "The report is closed.",
    "message-done": "The message is marked as done.",
    "let-in": "They are in.",
    "not-let-in": "They were not let in.",
    "accepted": "They follow you now. You can take that back at any time.",
    "declined": "They do not follow you. You do not have to give a reason.",
    "follower-removed": "They do not follow you any more.",
    "answered": "Nothing was changed. This was answered already, or they took it back.",
    "rule-set": "The rule is in force from this moment.",
    "rule-cleared": "The rule is gone. What it hid is back.",
    "signed-out": "You are signed out on this device.",
}

NOT_HERE: Final = "This page is not here, or you do not have a way in. We say the same for both."
TAKEN_OUT: Final = (
    "A moderator decided that this post does not appear. Here, only you and our team can see it now."
)
# Why a post that was taken out cannot be sent again as things are.
NOT_AGAIN: Final[dict[str, str]] = {
    "group": (
        "This group is not open to you now, so you cannot send it there again. Your words stay here for you."
    ),
    "banned": "You cannot write in this group now. Your words stay here for you.",
    "join": "You can send it again once you have joined the group.",
    "waiting": "You can send it again once a moderator has let you into the group.",
    "moderators": "Only moderators start conversations in this group now. Your words stay here for you.",
    "paused": "The conversation it belonged to is paused for now. Your words stay here for you.",
    "conversation": "The conversation it belonged to is not here any more. Your words stay here for you.",
}
TAKES_NO_REPLIES: Final = "Nobody can reply here now. You can still read."
SIGN_IN_AGAIN: Final = "You were signed out. Sign in and your words will be here."
SIGN_IN: Final = "You are signed out. Please sign in to go on."
# What somebody is told about a decision, by its kind.
NOTICES: Final[dict[str, str]] = {
    "removed": "A moderator decided that something you wrote does not appear",
    "taken_out": "The people who run this group decided that something you wrote does not appear there",
    "restored": "The people who run this group let something you wrote appear again",
    "locked": "The people who run this group paused a conversation of yours. Nobody can reply there for now",
    "unlocked": "People can reply again in a conversation of yours",
    "message": "Somebody wrote to a group in your care, not for everybody to read",
    "unbanned": "You can join this group and write in it again",
    "not_taken": (
        "The server of this group did not take something you wrote. It shows here, and the people there do "
        "not see it"
    ),
}
# What a rule about a server does, said where it is in force.
IN_FORCE: Final[dict[str, str]] = {
    "allow": "It is allowed. Their posts and ours flow as usual.",
    "limit": "It is limited. Only people signed in here see their new posts. Our groups do not pass them on.",
    "hold": "It is on hold. Every post from there, and everyone who asks to join, waits for a moderator.",
    "suspend": "It is suspended. Nothing goes out or comes in, and nothing of theirs shows.",
}
NO_ADDRESS: Final = "This is no address that we can open. Nothing was asked of anybody."
NOT_FOUND_THERE: Final = (
    "We could not open this. It may not be there, it may not be for everybody, or its server does not answer."
)
A_PERSON_THERE: Final = (
    "This is a person on another server. Our pages show groups and conversations; people elsewhere are "
    "followed with an app."
)
NO_MATCH: Final = "That name and password do not match."

# Codes of policy and of actions as sentences; the first one known is said.
REASONS: Final[dict[str, str]] = {
    "banned_from_group": ("A moderator decided that you cannot write in this group."),
    "no_name_here": (
        "You have no name for this place. We do not use a name from another group here, so that nobody can "
        "tell that both are yours."
    ),
    "not_a_member": "You can write here once you have joined the group.",
    "posting_restricted": "Only moderators start conversations in this group. You can still reply.",
    "thread_locked": (
        "A moderator paused this conversation for now. You can still read, and write to our team."
    ),
    "parent_gone": "The post you are replying to is not here any more.",
    "removed": (
        "A moderator decided that this post does not appear. You can edit it and send it again as a new post."
    ),
    "not_the_author": "Only the person who wrote this can change it.",
    "not_followable": "This group cannot be joined.",
    "domain_suspended": "We do not exchange posts with that server.",
    "not_on_allowlist": "We do not exchange posts with that server.",
    "federation_off": "This server does not exchange posts with other servers.",
    "account_not_active": "Your account is not open yet. Someone from our team will look at it.",
    "no_match": NO_MATCH,
    "cannot_appear": (
        "Its author may not write there now, or what it answers is not here any more. So it cannot appear."
    ),
    "pending": "Your account is waiting for our team. We read this within a day.",
    "closed": "This account is closed.",
    "code_over": (
        "This address does not work. It may have been used already, or its time may be over. "
        "Please ask someone from our team for a new one."
    ),
}
NOT_DONE: Final = "This was not done. You may not have a way in, or things changed while you were writing."

# Codes of `Invalid` as sentences: what to do, never whose fault it was.
FIXES: Final[dict[tuple[str, str], str]] = {
    # One sentence, whoever or whatever has the name: that there is a closed group is not told here either.
    ("name", "taken"): "Choose another name, this one is not free",
    ("name", "reserved"): "Choose another name, this one is not free",
    ("name", "required"): "Type a sign-in name",
    ("name", "malformed"): "Use 3 to 30 small letters, digits or underscores",
    ("password", "too_short"): "Make the password 12 characters or longer",
    ("password", "too_long"): "Make the password shorter than 1,000 characters",
    ("password", "required"): "Type a password",
    ("body", "required"): "Write a few words",
    ("body", "blank"): "Write a few words",
    ("body", "empty"): "Write a few words",
    ("body", "too_long"): "Make the text shorter than 5,000 characters",
    ("title", "too_long"): "Make the title shorter than 200 characters",
    ("warning", "too_long"): "Make the content note shorter than 200 characters",
    ("reason", "required"): "Choose what this is about",
    ("domain", "malformed"): "Type the name of a server, such as quiet.example",
    ("domain", "ours"): "This is our own server. Type the name of another one",
    ("domain", "wide"): "Tick the box if you mean every server under this name",
    ("server", "malformed"): "Type the name of your server, such as quiet.example",
    ("server", "ours"): "This is our own server. Type the name of the one where you have an account",
    ("server", "no_door"): "We found no way in there. Paste the handle below into your app’s search instead",
    ("severity", "required"): "Choose a rule",
    ("rules", "required"): "Please read the rules and tick the box",
    ("age", "required"): "Please tick the box if you are 18 or older",
    ("health", "required"): "We need your yes to keep words about health",
}
FIX: Final = "Please look at this again"


@dataclass(frozen=True, slots=True)
class Reach:
    """Who will read something, beside the button that sends it. `mark` is how the room is drawn: as a kind of
    group, or `few`; `elsewhere` is empty where nothing more is to be said."""

    mark: GroupKind | Literal["few"]
    sentence: str
    elsewhere: str


def reach(
    kind: GroupKind | None,
    audience: Audience,
    *,
    servers: int = 0,
    host: Host | None = None,
    answers_elsewhere: bool = False,
) -> Reach:
    """Say who will read what has this audience in a group of this kind, None for outside of groups.

    `servers` is how many others get copies of a circle; `host` is where the group is, None for here;
    `answers_elsewhere` says that it answers somebody on another server.
    """
    if audience == "direct":
        return Reach("few", MESSAGE, "")
    elsewhere = REPLY_ELSEWHERE if answers_elsewhere else ""
    if audience == "followers":
        return Reach("few", FOLLOWERS, elsewhere)
    if audience != "group":
        return Reach("open", AUDIENCE["open"], elsewhere)
    if kind is None or host is not None:
        # Also where the group is not there any more: it may have been elsewhere.
        return Reach("circle", CIRCLE_ELSEWHERE, elsewhere)
    # What stays here is sent to nobody, whomever it answers.
    return Reach(kind, AUDIENCE[kind].format(servers=servers), "")


def fix_for(field: str, code: str) -> str:
    """Return what to do about a field."""
    return FIXES.get((field, code), FIX)


def sentence_for(codes: tuple[str, ...], own: str) -> str:
    """Return what to say about a refusal: a known code's sentence, or the refusal's own, or a general one."""
    return next((REASONS[code] for code in codes if code in REASONS), own or NOT_DONE)


def day(when: datetime, now: datetime) -> str:
    """Say a moment as people do, rounded: "this morning", "yesterday evening", "Monday", "28 April".

    Rounding calms, and hinders matching two names of one person by the minute. Days are those of the
    server's clock.
    """
    when, now = when.astimezone(), now.astimezone()
    part = "morning" if when.hour < 12 else "afternoon" if when.hour < 18 else "evening"
    days = (now.date() - when.date()).days
    if days <= 0:
        return f"this {part}"
    if days == 1:
        return f"yesterday {part}"
    if days < 7:
        return f"{when:%A}"
    if when.year == now.year:
        return f"{when.day} {when:%B}"
    return f"{when:%B} {when.year}"


def clock(when: datetime) -> str:
    """Say a promise's exact time of day, by the server's clock."""
    return f"{when.astimezone():%H:%M}"


def banned(ends_at: datetime | None, now: datetime) -> str:
    """Say that somebody is shut out of a group, and until when."""
    if ends_at is None:
        return "The people who run this group decided that you cannot write in it now"
    if ends_at <= now:
        return "The time in which you could not write in this group is over. You can join it again"
    year = "" if ends_at.astimezone().year == now.astimezone().year else f" {ends_at.astimezone().year}"
    until = f"{ends_at.astimezone().day} {ends_at.astimezone():%B}{year}"
    return f"The people who run this group decided that you cannot write in it until {until}"


FULL: Final = (
    "Our team has many requests to read just now. Please ask again tomorrow. You can read open groups "
    "without an account."
)


def please_wait(after: timedelta, *, has_words: bool) -> str:
    """Say how long to wait, in whole minutes, and where somebody typed something that it is kept."""
    minutes = max(1, ceil(after.total_seconds() / 60))
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    kept = " Your words are kept." if has_words else ""
    return f"That was a lot in a short time. Please wait {wait}.{kept}"


def fewer(number: int) -> str:
    """Say a number about people without pointing at anyone."""
    if number >= MOST:
        return f"{MOST} or more"
    return "none" if number == 0 else "fewer than 5" if number < 5 else str(number)


def taken_out(host: Host | None) -> str:
    """Say to an author who decided that their post does not appear, and who can see it still."""
    if host is None:
        return TAKEN_OUT
    return (
        f"The people who run this group, on {host}, decided that this post does not appear there. Here, only "
        "you and our team can see it now."
    )


def who_decided(host: Host | None) -> str:
    """Say who decides in a group: a moderator here, or the people of another server, which is named."""
    return "A moderator" if host is None else f"The people who run this group, on {host},"


def shut_out(host: Host | None) -> str:
    """Say to somebody why they cannot write in a group."""
    return f"{who_decided(host)} decided that you cannot write in this group."


def paused(host: Host | None) -> str:
    """Say that a conversation takes no replies for now."""
    can = "You can still read, and write to our team." if host is None else "You can still read."
    return f"{who_decided(host)} paused this for now. {can}"


def waiting(host: Host | None) -> str:
    """Say to somebody that they asked to join a group and have no answer yet."""
    if host is None:
        return "You asked to join. A moderator will answer within a day."
    return f"You asked to join. The people who run this group, on {host}, will answer."


def from_host(host: Host | None) -> str:
    """Say where somebody writes from; empty for people here."""
    return "" if host is None else f"from {host}"


def removal(federates: bool, asked: int, answered: int) -> str:
    """Say the truth about a deleted post: where copies went, and who has not answered."""
    if not federates:
        return "We have deleted this here. It never left this server. Someone may have saved it."
    if asked == 0:
        return "This never left. It is gone."
    servers = f"{asked} other servers to delete their copies"
    if asked == 1:
        servers = "1 other server to delete its copy"
    said_yes = f"{answered} {'has' if answered == 1 else 'have'} said yes."
    left = asked - answered
    silent = "" if left == 0 else f" {left} {'has' if left == 1 else 'have'} not answered."
    return (
        f"We have deleted this here. We have asked {servers}. {said_yes}{silent} Someone may have saved it."
    )
