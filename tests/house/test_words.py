"""Words stand where they belong: sentences in the words of the web, in templates and in commands alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from babel.messages import pofile

from fediverse_support.cli import words
from fediverse_support.speech import CATALOGUES, ENGLISH, Message, _, load, n_
from fediverse_support.web.words import reasons
from tests import catalogue
from tests.house.source import Module, modules

SLOT = re.compile(r"%\((\w+)\)s")


def test_no_sentence_has_a_per_cent_sign_that_is_no_slot() -> None:
    """Where slots are filled, it would be taken for one."""
    forms = [
        form
        for entry in catalogue.extract()
        for form in ((entry.id,) if isinstance(entry.id, str) else entry.id)
    ]
    assert [form for form in forms if "%" in SLOT.sub("", form)] == []
    assert len(forms) > 300


def test_a_catalogue_has_every_sentence_and_fills_the_same_slots() -> None:
    asked = {str(each.id) for each in catalogue.extract()}
    for speech in load():
        if speech is not ENGLISH:
            path = CATALOGUES / f"{speech.locale}.po"
            with path.open("rb") as file:
                found = pofile.read_po(file, locale=path.stem)
            faults = [each.id for each in found if each.id and (not each.string or each.check(found))]
            assert (path.name, faults) == (path.name, [])
            assert {str(each.id) for each in found} == asked, "make words"


@pytest.mark.parametrize(
    ("message", "english"),
    [
        (_("Plain."), "Plain."),
        (_("From %(host)s.", host="pie.example"), "From pie.example."),
        (n_("A minute", "%(num)s minutes", 1), "A minute"),
        (n_("A minute", "%(num)s minutes", 3), "3 minutes"),
        (_("%(one)s And more.", one=_("Said in %(where)s.", where="here")), "Said in here. And more."),
    ],
)
def test_a_message_is_its_english_sentence(message: Message, english: str) -> None:
    assert message == english == ENGLISH.say(message)


SPOKEN = re.compile(r"(?:^|[\s(“\"])(?:[A-Za-z][A-Za-z'’]*[,;:]? ){2,}[a-z]")
"""Three words in a row: a sentence, or what became a part of one."""
ROOMS = (
    "federation/",
    "fediverse_support/web/words/",
    "fediverse_support/cli/",
    "fediverse_support/speech.py",
)
SAYS = {
    # Said to whoever starts the server or works on it, before there is a page or a command.
    "fediverse_support/settings.py": "what is wrong in the environment, at the start",
    "fediverse_support/processes.py": "why a process cannot go on",
    "fediverse_support/db/": "what is wrong with the database, or between it and this release",
    "fediverse_support/adapters/embedded_postgres.py": "why the database that comes with us does not start",
    "fediverse_support/adapters/postgres_files.py": "the same, of its files",
    "fediverse_support/adapters/postgres_leftovers.py": "the same, of what another run left behind",
    "fediverse_support/adapters/secret_file.py": "why the secret cannot be used",
    "fediverse_support/adapters/mailer.py": "it is the mailer",
    "fediverse_support/workers/errands/letters.py": "the words of mails",
    "fediverse_support/domain/house.py": "what a setting may be, for the start as for commands",
    "fediverse_support/reads/exchange/queues.py": "what is stuck, for `doctor` and `queue status`",
    "fediverse_support/store/retention.py": "how long each table keeps what, for `doctor`",
    "fediverse_support/web/health.py": "the probes and figures of operators",
    # Said to other servers and to apps, in the one language of their protocol.
    "fediverse_support/web/app.py": "requests that no reader of pages makes",
    "fediverse_support/web/errors.py": "faults, said before a page is there",
    "fediverse_support/web/turns.py": "the same, of a server with too much to do",
    "fediverse_support/web/mastodon/": "the fixed texts of errors in the client API",
    "fediverse_support/pipeline/table.py": "the table that FEDERATION.md is printed from",
    "fediverse_support/domain/automatic.py": "what leaves in an activity is written when that is decided",
    "fediverse_support/domain/documents.py": "the same, of a group's own description",
    "fediverse_support/domain/moderation.py": "the same, of a removal",
    "fediverse_support/domain/richtext.py": "words of HTML itself",
}
"""Where else sentences stand, and why they are no page's; it only becomes shorter."""


def sentences(module: Module) -> list[str]:
    """What is said in a module: no docstring, SQL, name of a log line, or what only a fault of ours shows."""
    silent = {id(inner) for node in ast.walk(module.tree) for part in quiet(node) for inner in ast.walk(part)}
    return [
        f"{module.path}:{node.lineno}: {node.value[:60]}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent
        if SPOKEN.search(node.value) and not IN_SQL.search(node.value)
    ]


IN_SQL = re.compile(
    r"\b(select|insert into|update|delete from|where|from|join|returns|exists|coalesce|order by|lock table"
    r"|vacuum|set local)\b"
)


FAULTS = frozenset("ValueError AssertionError LookupError RuntimeError DatabaseUnavailable".split())
"""What only a fault of ours shows, or the log."""


def quiet(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that say nothing to anybody."""
    match node:
        case ast.Expr(value=ast.Constant()):
            yield node
        case ast.Call(func=ast.Attribute(value=ast.Name(id="LOG" | "log"))):
            yield from node.args
        case ast.Assert(msg=ast.expr() as said):
            yield said
        case ast.Call(func=ast.Attribute(value=ast.Constant() as listed, attr="split")):
            yield listed
        case ast.Call(func=ast.Name(id=name)) if name in FAULTS:
            yield node


def test_sentences_stand_among_the_words_and_in_commands_alone() -> None:
    found = {
        module.path: said
        for module in modules()
        if not module.path.startswith(ROOMS) and (said := sentences(module))
    }
    rooms = tuple(SAYS)
    assert {path: said for path, said in found.items() if not path.startswith(rooms)} == {}
    assert [room for room in rooms if not any(path.startswith(room) for path in found)] == []


def test_a_sentence_below_the_web_is_found() -> None:
    text = 'def leave() -> None:\n    """Leave it all."""\n    raise NotAllowed("You cannot leave now.")\n'
    assert len(sentences(Module("fediverse_support/actions/made_up.py", text, ast.parse(text)))) == 1


def literals() -> set[str]:
    """Every string in the code, the words apart."""
    return {
        node.value
        for module in modules()
        if not module.path.startswith(("fediverse_support/web/words/", "fediverse_support/cli/words.py"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def raised() -> Iterator[tuple[str, str]]:
    """Every code with which something is refused, and every field with what is wrong with it."""
    for module in modules():
        for node in ast.walk(module.tree):
            match node:
                case ast.Call(func=ast.Name(id="NotAllowed" | "Conflict" | "NotFound"), keywords=words):
                    for word in words:
                        if word.arg == "code" and isinstance(word.value, ast.Constant):
                            yield module.path, str(word.value.value)
                case ast.Call(
                    func=ast.Name(id="Invalid"),
                    args=[ast.Dict(keys=[ast.Constant(value=name)], values=[code])],
                ):
                    what = [str(part.value) for part in (code,) if isinstance(part, ast.Constant)]
                    yield module.path, " ".join([str(name), *what])


def test_every_code_has_its_sentence_and_every_sentence_its_code() -> None:
    said = literals()
    assert [code for code in reasons.REASONS if code not in said] == []
    assert [pair for pair in reasons.FIXES if not said.issuperset(pair)] == []
    known = {*reasons.REASONS, *words.REFUSALS, *words.FIXES, *(" ".join(pair) for pair in reasons.FIXES)}
    dumb = [
        f"{path}: {code}"
        for path, code in raised()
        if code not in known and code.partition(" ")[0] not in known and code not in UNSAID
    ]
    assert dumb == []


UNSAID = frozenset(("reason unknown", "severity unknown"))
"""What no form of ours can send."""
