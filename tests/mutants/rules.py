"""Faults in who may read, who is told and what a rule decides, in Python and in SQL."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

CONTENT: Final = "fediverse_support/policy/rules_content.py"
GROUP: Final = "fediverse_support/policy/rules_group.py"
MEMBER: Final = "fediverse_support/policy/rules_member.py"
SERVERS: Final = "fediverse_support/policy/rules_instance.py"
ACCESS: Final = "fediverse_support/policy/access.py"
SQL: Final = "fediverse_support/db/functions.sql"
ADDRESSING: Final = "federation/addressing.py"
DECIDE: Final = ("tests/unit/policy/test_decide.py",)
MAY: Final = ("tests/unit/policy/test_access.py",)
SEEN: Final = ("tests/integration/test_visibility.py",)
ADDRESSED: Final = ("tests/unit/federation/test_addressing.py",)
FORMS: Final = "tests/integration/test_pages_forms.py"

RULES: Final = (
    Mutant(GROUP, 'if facts.proof == "group" and facts.actor is not None and facts.actor.host is None:',
           "if False:", "a group elsewhere speaks for our own people", DECIDE),
    Mutant(GROUP, "is_its_own = group is not None and teller is not None and group.id == teller.id",
           "is_its_own = teller is not None",
           "a group's word for a like counts in any group", DECIDE),
    Mutant(CONTENT, 'if not facts.is_local and facts.target.audience not in ("public", "unlisted"):',
           "if False:", "strangers like and boost what was for followers", DECIDE),
    Mutant(CONTENT, 'is_for_few = facts.audience in ("followers", "direct")',
           'is_for_few = facts.audience == "direct"',
           "a stranger's reply for followers alone is kept below a thread of ours", DECIDE),
    Mutant(MEMBER, "if facts.updated < facts.target.words_at:", "if facts.updated <= facts.target.words_at:",
           "an edit made in the same second is lost", DECIDE),
    Mutant(MEMBER, 'if facts.verb != "Update" or facts.target is None or facts.audience != "followers":',
           'if facts.verb != "Like" or facts.target is None or facts.audience != "followers":',
           "words for followers replace public ones, where everybody reads them", DECIDE),
    Mutant(MEMBER,
           'if facts.verb == "Update" and facts.target is not None and facts.target.author_uri !=',
           'if facts.verb == "Never" and facts.target is not None and facts.target.author_uri !=',
           "anybody changes anybody's words", DECIDE),
    Mutant(SERVERS, 'if facts.sender == "suspend" and facts.verb not in TAKES_BACK:', "if False:",
           "a server that was shut out goes on speaking", DECIDE),
    Mutant(SERVERS, 'if facts.federation == "allowlist" and facts.sender != "allow":',
           'if facts.federation == "allowlist" and facts.sender == "suspend":',
           "servers nobody listed reach people who were promised they cannot", DECIDE),
    Mutant(CONTENT, 'if facts.tombstoned and facts.verb != "Delete" and not facts.restores:', "if False:",
           "what somebody deleted comes back", DECIDE),
    Mutant("fediverse_support/policy/deciding.py",
           'return group.is_moderator and facts.proof in ("signature", "local")', "return True",
           "anybody locks threads and shuts people out of our groups", DECIDE),
    Mutant("fediverse_support/domain/facts.py",
           'return self.kind == "open" or not self.is_local', "return True",
           "other servers learn that a closed group exists", DECIDE),
)  # fmt: skip

READING: Final = (
    Mutant(ACCESS, '        and post.rule != "suspend"\n', "",
           "what a suspended server sent is still read", MAY),
    Mutant(ACCESS,
           "            return reader.is_follower or reader.is_mentioned\n", "            return True\n",
           "everybody reads what was for followers", MAY),
    Mutant(ACCESS, "            return reader.is_member\n", "            return reader.is_ours\n",
           "everybody with an account reads a circle", MAY),
    Mutant(ACCESS, "            return post.author_id in reader.ids\n", "            return reader.is_ours\n",
           "what waits for a moderator is read before", MAY),
    Mutant(ACCESS, 'return is_author and post.standing != "deleted"', 'return post.standing != "deleted"',
           "a page offers to remove another's words", MAY),
    Mutant(ACCESS,
           '(may(roles, "moderate") and kind in (None, "open", "home-open"))', 'may(roles, "moderate")',
           "our team decides where it may not read", MAY),
    Mutant(SQL, "when a.standing in ('suspended', 'deleted') or r.rule = 'suspend' then false",
           "when a.standing in ('suspended', 'deleted') then false",
           "what a suspended server sent still stands in lists", SEEN),
    Mutant(SQL, "where f.follower_id = any (readers) and f.target_id = g and f.standing = 'accepted'",
           "where f.follower_id = any (readers) and f.target_id = g",
           "whoever asked to join a circle reads it at once", SEEN),
    Mutant(SQL, "where m.post_id = can_see_each.post_id and m.actor_id = any (readers)",
           "where m.post_id = can_see_each.post_id",
           "everybody reads a message to one", SEEN),
    Mutant(SQL,
           "or (can_see_each.standing = 'held' and (can_see_each.author_id = any (readers)) is not true)",
           "", "what waits for a moderator stands in lists", SEEN),
    Mutant(SQL, "select p.standing = 'removed' and p.author_id = any (readers) and writes_here(p.author_id)",
           "select p.standing = 'removed' and writes_here(p.author_id)",
           "everybody here reads what was taken out", SEEN),
    Mutant(SQL, "select 1 from groups r where r.actor_id = g and r.kind in ('open', 'home-open'))));",
           "select 1 from groups r where r.actor_id = g)));",
           "our team decides in circles", SEEN),
    Mutant(SQL, "       and in_the_open(p.group_id, p.written_in)\n", "",
           "other servers fetch posts of closed groups", ("tests/integration/test_kinds_then_and_now.py",)),
    Mutant("fediverse_support/reads/people/actors.py",
           "where a.kind <> 'group' and a.discoverable and lower(a.name)",
           "where a.kind <> 'group' and lower(a.name)",
           "people who do not want to be found are found",
           ("tests/integration/test_search.py::test_people_are_found_only_where_they_want_to_be",)),
)  # fmt: skip

AUDIENCES: Final = (
    Mutant(ADDRESSING, "if author_followers is not None and author_followers in everyone:",
           'if any(uri.endswith("/followers") for uri in everyone):',
           "another's followers are taken for the author's", ADDRESSED),
    Mutant(ADDRESSING, 'return "group" if is_for_group and not is_for_others else "direct"',
           'return "group" if is_for_group else "direct"',
           "a message to a few is shown to a group", ADDRESSED),
    Mutant(ADDRESSING, "return Audience(to=(group,), cc=(group_followers,), group=group)",
           "return Audience(to=(group, PUBLIC), cc=(group_followers,), group=group)",
           "a post for members is addressed to everybody", ADDRESSED),
    Mutant(ADDRESSING, "if common is None or not same_origin(inbox, common):", "if common is None:",
           "a server has others' messages sent to a third", ADDRESSED),
    Mutant(ADDRESSING, "return Audience(to=(author_followers,), cc=others)",
           "return Audience(to=(author_followers,), cc=(PUBLIC, *others))",
           "what is for followers becomes public elsewhere", ADDRESSED),
    Mutant("fediverse_support/actions/posts/posting.py",
           "widest = narrower(widest, setting.parent_audience)", "pass",
           "an answer to a private message is public",
           (f"{FORMS}::test_a_reply_from_a_page_is_read_by_no_more_people_than_what_it_answers",)),
)  # fmt: skip

MUTANTS: Final = (*RULES, *READING, *AUDIENCES)
