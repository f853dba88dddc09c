"""Which activities may be judged on facts that were loaded for all of them."""

from __future__ import annotations

from federation import authenticity, vocab
from federation.authenticity import Authentic
from federation.uris import Uri
from federation.vocab import Activity
from fediverse_support.pipeline.runs import MOST_IN_A_RUN, runs

ADA = Uri("https://b.example/ada")


def made(act: Activity) -> Authentic[Activity]:
    return authenticity.from_local(act, ADA, b"")


def post(name: str, parent: str | None = None) -> Authentic[Activity]:
    uri = Uri(f"https://b.example/o/{name}")
    answered = None if parent is None else Uri(f"https://b.example/o/{parent}")
    thing = vocab.Post(
        id=uri, kind="Note", attributed_to=ADA, in_reply_to=answered, audience=vocab.Audience()
    )
    return made(vocab.Create(id=Uri(f"https://b.example/a/{name}"), actor=ADA, object=thing))


def like(name: str) -> Authentic[Activity]:
    return made(vocab.Like(id=None, actor=ADA, object=Uri(f"https://b.example/o/{name}")))


def sizes(*acts: Authentic[Activity]) -> list[int]:
    found = runs(acts)
    assert [act for run in found for act in run] == list(acts)
    return [len(run) for run in found]


def test_new_posts_that_have_nothing_to_do_with_each_other_go_together() -> None:
    assert sizes() == []
    assert sizes(post("one"), post("two"), post("three", "elsewhere")) == [3]


def test_an_answer_waits_for_what_it_answers() -> None:
    assert sizes(post("one"), post("two", "one"), post("three")) == [1, 2]
    assert sizes(post("two", "one"), post("one")) == [1, 1]


def test_several_answers_to_the_same_post_go_together() -> None:
    assert sizes(post("two", "one"), post("three", "one"), post("four", "one")) == [3]


def test_the_same_post_twice_does_not_go_together() -> None:
    assert sizes(post("one"), post("one")) == [1, 1]


def test_everything_else_is_alone() -> None:
    assert sizes(post("one"), like("one"), post("two"), post("three")) == [1, 1, 2]
    assert sizes(like("one"), like("one")) == [1, 1]


def test_a_run_ends_somewhere() -> None:
    assert sizes(*(post(str(number)) for number in range(MOST_IN_A_RUN + 5))) == [MOST_IN_A_RUN, 5]
