"""What a command says about a refusal: sentences for operators, in English, from codes and their values."""

from __future__ import annotations

from typing import Final

from fediverse_support.domain.errors import AppError, Invalid, NotAllowed
from fediverse_support.web.words import reasons

REFUSALS: Final[dict[str, str]] = {
    "no_account": "There is no active account {name}.",
    "no_person": "There is no active account {name} with the name {person}.",
    "no_account_to_let_in": "There is no account {name} that could get a new password.",
    "no_rule": "There is no rule for {name}.",
    "no_setting": "There is no setting {name}; the settings are {known}.",
    "no_invitation": "There is no invitation {hint}.",
    "several_invitations": "Several invitations begin with these letters; give the whole code.",
    "name_taken": "The name {name} is taken; choose another.",
    "name_alike": "The name {name} looks too much like one that is taken; choose another.",
    "last_admin": "{name} is the only admin here. Make somebody else an admin first.",
    "other_address": (
        "The data here belong to {kept}, and this start is for {asked}. The addresses of people and posts "
        "are made from it, so it cannot change: set FEDIVERSE_SUPPORT_BASE_URL or --port back, or use "
        "another FEDIVERSE_SUPPORT_DATA_DIR or DATABASE_URL."
    ),
}
# What is wrong with something typed, by its name and the code, or by the name alone.
FIXES: Final[dict[str, str]] = {
    "domain ours": "That is this instance itself; rules are about other servers.",
    "domain wide": "A rule for {domain} covers every server with a name under it.",
    "domain malformed": "That is not a domain name such as peer.example.",
    "name malformed": (
        "A name has 3 to 30 letters from a to z, digits or underscores, and at least one letter."
    ),
    "name reserved": "The name {name} could be taken for an official one; choose another.",
    "password malformed": "A password has no line breaks or other control characters.",
    "password": "A password has {least} to {most} characters.",
    "email": "The e-mail address needs an @ and a domain, and nothing around it.",
    "scopes": "A token needs scopes such as {known}; there is {which}.",
    "uses": "An invitation is for 1 to {most_uses} people.",
    "days": "An invitation lasts 1 to {most_days} days.",
    "title": "A group needs a title of 1 to {most_title} characters.",
    "kind": "A group is of one of these kinds: {kinds}.",
    "summary": "The summary has at most {most_summary} characters.",
    "language": "The language is a code such as en or pt-BR.",
}
SETTING: Final = "{setting} must be {wanted}."


def sentence_for(error: AppError) -> str:
    """Return what to say to an operator about a refusal."""
    match error:
        case Invalid(fields=fields) if "setting" in error.values:
            return SETTING.format(**error.values)
        case Invalid(fields=fields):
            found = [FIXES.get(f"{name} {code}", FIXES.get(name)) for name, code in fields.items()]
            return " ".join(one.format(**error.values) for one in found if one) or _listed(fields)
        case NotAllowed(reasons=why, code=code):
            return str(reasons.sentence_for((*why, code)))
        case _ if error.code in REFUSALS:
            return REFUSALS[error.code].format(**error.values)
        case _:
            return str(reasons.sentence_for((error.code,)))


def _listed(fields: dict[str, str]) -> str:
    return "There is something to fix: " + ", ".join(sorted(fields))
