"""Faults in what keeps a page clean and a form ours: escaping, links, form tokens, throttles."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

DOCUMENTS: Final = "fediverse_support/domain/documents.py"
FRAME: Final = "fediverse_support/web/pages/frame.py"
WRITTEN: Final = ("tests/unit/domain/test_documents.py",)
DOORS: Final = "tests/unit/federation/test_discovery.py"
AT_DOORS: Final = "tests/security/test_g_doors.py"
FORMS: Final = "tests/integration/test_pages_forms.py"
NAMES: Final = "href, name = html.escape(group.url or group.uri), html.escape(group.name)"

MUTANTS: Final = (
    Mutant("fediverse_support/domain/richtext.py", "{html.escape(title)}</strong>", "{title}</strong>",
           "a title runs as a script in apps and on other servers", WRITTEN),
    Mutant(DOCUMENTS, NAMES, "href, name = html.escape(group.url or group.uri), group.name",
           "a group's name runs as a script on other servers", WRITTEN),
    Mutant(DOCUMENTS, NAMES, "href, name = (group.url or group.uri), html.escape(group.name)",
           "a group's address breaks out of its link", WRITTEN),
    Mutant("fediverse_support/domain/richtext.py", "return value if WHOLE_LINK.match(value) else None",
           "return value", "a stranger's link leads to a form of ours",
           ("tests/unit/domain/test_richtext.py",)),
    Mutant("fediverse_support/web/pages/engine.py", "autoescape=True,", "autoescape=False,",
           "whatever anybody writes runs in every reader's browser", ("tests/house/test_escaping.py",)),
    Mutant("templates/posts/removed.html", "<h1", "<h1 onclick='go()'",
           "a page runs what stands in it", ("tests/house/test_escaping.py",)),
    Mutant(FRAME, "if self.sessions.is_from_elsewhere(request):", "if False:",
           "another site posts in a member's name",
           (f"{FORMS}::test_a_form_sent_by_another_site_does_nothing",)),
    Mutant(FRAME, '        if not self.sessions.is_our_form(form.text("token"), visit.bound_to):',
           "        if False:", "a form without our token is taken",
           (f"{FORMS}::test_a_form_without_this_sessions_token_does_nothing_and_keeps_the_words",)),
    Mutant("federation/discovery.py", "or not (host == asked or host.endswith(f\".{asked}\")):", "and False:",
           "a server leads our visitors to another one", (DOORS,)),
    Mutant("federation/discovery.py", 'if not place.startswith("https://") and not allow_http:', "if False:",
           "visitors are led to a page that anybody on the way can read", (DOORS,)),
    Mutant("fediverse_support/lookups.py", "        await line.admit(place)\n        return place",
           "        return place", "visitors are led to a server that we suspended",
           (f"{AT_DOORS}::test_nobody_is_led_to_a_suspended_server_below_another",)),
    Mutant("fediverse_support/lookups.py", '"visitor": Buckets(*limits.one_visitor)',
           '"visitor": Buckets(*limits.visitors)', "one visitor has us ask for all others",
           (f"{AT_DOORS}::test_one_address_asks_a_few_times_and_others_go_on",)),
    Mutant("templates/parts/post.html", "{% if post.is_covered %}", "{% if post.warning %}",
           "what its author marked as sensitive lies open",
           ("tests/integration/test_pages_files.py::test_what_is_marked_as_sensitive_is_covered_everywhere",)),
    Mutant("fediverse_support/domain/buckets.py",
           "wait = 0.0 if tokens >= 1.0 else (1.0 - tokens) / self.per_second\n        self._keep",
           "wait = 0.0\n        self._keep", "passwords are guessed without an end",
           ("tests/unit/domain/test_buckets.py",)),
)  # fmt: skip
