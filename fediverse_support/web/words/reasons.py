"""Why something was not done: the one catalogue from codes to sentences, for pages and apps alike.

Policy, actions and forms say codes; a test holds that each of them has its sentence here, and that no
sentence stands here for a code that nobody says.
"""

from __future__ import annotations

from typing import Final

from fediverse_support.speech import Message, _
from fediverse_support.web.words.sentences import NO_MATCH

# Codes of policy and of actions as sentences; the first one known is said.
REASONS: Final[dict[str, Message]] = {
    "banned_from_group": _("A moderator decided that you cannot write in this group."),
    "no_name_here": _(
        "You have no name for this place. We do not use a name from another group here, so that nobody can "
        "tell that both are yours."
    ),
    "not_a_member": _("You can write here once you have joined the group."),
    "posting_restricted": _("Only moderators start conversations in this group. You can still reply."),
    "thread_locked": _(
        "A moderator paused this conversation for now. You can still read, and write to our team."
    ),
    "parent_gone": _("The post you are replying to is not here any more."),
    "removed": _(
        "A moderator decided that this post does not appear. You can edit it and send it again as a new post."
    ),
    "not_the_author": _("Only the person who wrote this can change it."),
    "self": _("You can leave the group yourself."),
    "not_taking_members": _("New members do not come in this way right now."),
    "not_followable": _("This group cannot be joined."),
    "names_suspended_domain": _("We do not exchange posts with that server."),
    "domain_suspended": _("We do not exchange posts with that server."),
    "not_on_allowlist": _("We do not exchange posts with that server."),
    "federation_off": _("This server does not exchange posts with other servers."),
    "account_not_active": _("Your account is not open yet. Someone from our team will look at it."),
    "no_match": NO_MATCH,
    "cannot_appear": _(
        "Its author may not write there now, or what it answers is not here any more. So it cannot appear."
    ),
    "decided_already": _("Someone from the team decided about this already."),
    "done_already": _("Someone from the team did this already."),
    "pending": _("Your account is waiting for our team. We read this within a day."),
    "closed": _("This account is closed."),
    "code_over": _(
        "This address does not work. It may have been used already, or its time may be over. "
        "Please ask someone from our team for a new one."
    ),
}
NOT_DONE: Final = _("This was not done. You may not have a way in, or things changed while you were writing.")

# Codes of `Invalid` as sentences: what to do, never whose fault it was.
FIXES: Final[dict[tuple[str, str], Message]] = {
    # One sentence, whoever or whatever has the name: that there is a closed group is not told here either.
    ("name", "taken"): _("Choose another name, this one is not free"),
    ("name", "reserved"): _("Choose another name, this one is not free"),
    ("name", "required"): _("Type a sign-in name"),
    ("name", "malformed"): _("Use 3 to 30 small letters, digits or underscores"),
    ("password", "too_short"): _("Make the password 12 characters or longer"),
    ("password", "too_long"): _("Make the password shorter than 1,000 characters"),
    ("password", "required"): _("Type a password"),
    ("body", "required"): _("Write a few words"),
    ("body", "blank"): _("Write a few words"),
    ("body", "empty"): _("Write a few words"),
    ("body", "too_long"): _("Make the text shorter than 5,000 characters"),
    ("title", "too_long"): _("Make the title shorter than 200 characters"),
    ("warning", "too_long"): _("Make the content note shorter than 200 characters"),
    ("reason", "required"): _("Choose what this is about"),
    ("reason", "too_long"): _("Make this shorter than 500 characters"),
    ("told", "too_long"): _("Make this shorter than 500 characters"),
    ("domain", "malformed"): _("Type the name of a server, such as quiet.example"),
    ("domain", "ours"): _("This is our own server. Type the name of another one"),
    ("domain", "wide"): _("Tick the box if you mean every server under this name"),
    ("server", "malformed"): _("Type the name of your server, such as quiet.example"),
    ("server", "ours"): _("This is our own server. Type the name of the one where you have an account"),
    ("server", "no_door"): _(
        "We found no way in there. Paste the handle below into your app’s search instead"
    ),
    ("severity", "required"): _("Choose a rule"),
    ("rules", "required"): _("Please read the rules and tick the box"),
    ("age", "required"): _("Please tick the box if you are 18 or older"),
    ("copies", "required"): _("Please tick the box if copies may go to other servers"),
    ("health", "required"): _("We need your yes to keep words about health"),
}
FIX: Final = _("Please look at this again")


def fix_for(field: str, code: str) -> str:
    """Return what to do about a field."""
    return FIXES.get((field, code), FIX)


def sentence_for(codes: tuple[str, ...]) -> str:
    """Return what to say about a refusal: a known code's sentence, or a general one."""
    return next((REASONS[code] for code in codes if code in REASONS), NOT_DONE)
