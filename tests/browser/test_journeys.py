"""The journeys that matter, on a phone, without JavaScript."""

from __future__ import annotations

import dataclasses

import pytest
from playwright.async_api import Page, expect

from fediverse_support.actions.people import following
from fediverse_support.db.pool import Db
from fediverse_support.web.app import assemble
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.routes import routes
from fediverse_support.web.words import audiences, sentences
from tests.browser.conftest import Served
from tests.browser.served import free_port, serving
from tests.integration.site import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.postgres]


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def follow(page: Page, name: str) -> None:
    await page.get_by_role("link", name=name, exact=True).first.click()


async def test_read_a_group_sign_in_post_and_reply(served: Served) -> None:
    root = await served.site.writes(
        "marlow", "I get ten minutes.", group="appointments", title="How do you ask for a longer slot?"
    )
    page = await served.window()
    await page.goto("/")
    await follow(page, "Getting ready for appointments")
    await follow(page, "How do you ask for a longer slot?")
    await expect(page.get_by_text("I get ten minutes.")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="sign in").click()
    await page.get_by_label("Sign-in name").fill("wren")
    await page.get_by_label("Password").fill(PASSWORD)
    await press(page, "Sign in")
    await expect(page).to_have_url(f"{served.base}/g/appointments/t/{root}")
    await page.get_by_label("Your reply").fill("I call ahead.\n\nIt helps.")
    await press(page, "Post your reply")
    reply = page.get_by_role("article").filter(has_text="I call ahead.")
    await expect(reply.get_by_text("You", exact=True)).to_be_visible()
    await follow(page, "Getting ready for appointments")
    await follow(page, "Write a post")
    await expect(page.get_by_text(audiences.AUDIENCE["open"])).to_be_visible()
    button = page.get_by_role("button", name="Post to Getting ready for appointments")
    await expect(button).to_have_accessible_description(audiences.AUDIENCE["open"])
    await page.get_by_label("Title").fill("Words for asking")
    await page.get_by_label("What would you like to say?").fill("Could I have longer, please?")
    await button.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Words for asking")


async def test_edit_and_remove_ones_own_post(served: Served) -> None:
    root = await served.site.writes("wren", "First words.", group="frontroom", title="Tea")
    page = await served.window("wren")
    await page.goto(f"/g/frontroom/t/{root}")
    await follow(page, "Edit")
    await expect(page.get_by_label("What you wrote")).to_have_value("First words.")
    await page.get_by_label("What you wrote").fill("Second words.")
    await press(page, "Save changes")
    await expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    await expect(page.get_by_text("Second words.")).to_be_visible()
    await follow(page, "Remove")
    await press(page, "Remove this post")
    await expect(page.get_by_text("We have deleted this here.")).to_be_visible()
    await page.goto(f"/g/frontroom/t/{root}")
    await expect(page.get_by_text(sentences.NOT_HERE)).to_be_visible()


async def test_open_a_content_note(served: Served) -> None:
    root = await served.site.writes("marlow", "Forty candles.", group="frontroom", warning="death and grief")
    page = await served.window("wren")
    await page.goto(f"/g/frontroom/t/{root}")
    await expect(page.get_by_text("Forty candles.")).to_be_hidden()
    await page.get_by_role("main").get_by_role("group").get_by_text("Content note: death and grief").click()
    await expect(page.get_by_text("Forty candles.")).to_be_visible()


async def test_tell_our_team_and_a_moderator_reads_it(served: Served) -> None:
    root = await served.site.writes("marlow", "I am so tired.", group="frontroom", title="Tired")
    page = await served.window("wren")
    await page.goto(f"/g/frontroom/t/{root}")
    await follow(page, "Tell our team")
    await page.get_by_label("I am worried about this person.").check()
    await page.get_by_label("What would help us to know?").fill("He sounded low.")
    await press(page, "Tell our team")
    await expect(page.get_by_text("Thank you for telling us.")).to_be_visible()
    mod = await served.window("asha")
    await mod.goto("/home")
    await follow(mod, "Waiting")
    await follow(mod, "Reports")
    await expect(mod.get_by_text("He sounded low.")).to_be_hidden()
    await mod.get_by_text("What we were told").click()
    await expect(mod.get_by_text("He sounded low.")).to_be_visible()
    await press(mod, "Close this report")
    await expect(mod.get_by_text("Nothing is waiting.")).to_be_visible()


async def test_a_held_post_is_approved(served: Served, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    careful = dataclasses.replace(served.site.deps.instance, overrides=(("newcomer_posts_held", "1"),))
    served.site.deps = dataclasses.replace(served.site.deps, instance=careful)
    root = await served.site.writes("heron", "I am new here.", group="cafe", title="Hello")
    heron = await served.window("heron")
    await heron.goto(f"/g/cafe/t/{root}")
    await expect(
        heron.get_by_text("Someone from our team reads first posts before they appear.")
    ).to_be_visible()
    mod = await served.window("asha")
    await mod.goto("/mod/held")
    await expect(mod.get_by_text("I am new here.")).to_be_hidden()
    await mod.get_by_text("The post", exact=True).click()
    await expect(mod.get_by_text("I am new here.")).to_be_visible()
    await press(mod, "Let it appear")
    await expect(mod.get_by_text("The post is up.")).to_be_visible()
    wren = await served.window("wren")
    await wren.goto(f"/g/cafe/t/{root}")
    await expect(wren.get_by_text("I am new here.")).to_be_visible()


async def test_a_refused_post_is_edited_and_sent_again(served: Served) -> None:
    careful = dataclasses.replace(served.site.deps.instance, overrides=(("newcomer_posts_held", "1"),))
    served.site.deps = dataclasses.replace(served.site.deps, instance=careful)
    await served.site.writes("heron", "Call me on this number.", group="cafe", title="Hello")
    mod = await served.window("asha")
    await mod.goto("/mod/held")
    await mod.get_by_text("The post", exact=True).click()
    await press(mod, "Keep it hidden")
    heron = await served.window("heron")
    await heron.goto("/home")
    await follow(heron, "A moderator decided that something you wrote does not appear")
    await expect(heron.get_by_text(sentences.TAKEN_OUT)).to_be_visible()
    await expect(heron.get_by_text("Call me on this number.")).to_be_visible()
    await follow(heron, "Edit and send again")
    await expect(heron.get_by_label("Title")).to_have_value("Hello")
    await expect(heron.get_by_label("What you wrote")).to_have_value("Call me on this number.")
    await heron.get_by_label("What you wrote").fill("I am new here.")
    await press(heron, "Post to Everyday chat")
    await expect(heron.get_by_role("article").get_by_text("I am new here.")).to_be_visible()
    await expect(heron.get_by_text(sentences.TAKEN_OUT)).to_have_count(0)


async def test_an_admin_suspends_a_server_and_clears_it_again(served: Served) -> None:
    page = await served.window("tom")
    await page.goto("/home")
    await follow(page, "Other servers")
    await page.get_by_label("Look at a server").fill("https://Loud.example/")
    await press(page, "Look")
    await expect(page.get_by_role("heading", level=1)).to_have_text("What would change for loud.example")
    await expect(page.get_by_text("Nothing has changed yet.")).to_be_visible()
    await page.get_by_label("Suspend.").check()
    await page.get_by_label("Reason, in words that anyone may read").fill("Reports go unanswered.")
    await press(page, "Put this rule in force")
    row = page.get_by_role("row").filter(has_text="loud.example")
    await expect(row).to_contain_text("Suspend")
    await expect(row).to_contain_text("Reports go unanswered.")
    await follow(page, "loud.example")
    await press(page, "Clear the rule")
    await expect(page.get_by_text("The rule is gone.")).to_be_visible()


async def test_join_a_group_and_leave_it(served: Served) -> None:
    page = await served.window("heron")
    await page.goto("/find")
    await follow(page, "Getting ready for appointments")
    await follow(page, "Join here")
    await page.get_by_label("Yes, copies of what I write here may go to other servers.").check()
    await press(page, "Join as heron")
    await expect(page.get_by_text("You are in.")).to_be_visible()
    await follow(page, "Leave this group")
    await press(page, "Leave")
    await expect(page.get_by_text("You have left the group. No one is told.")).to_be_visible()


async def test_let_somebody_follow_and_let_them_go_again(served: Served) -> None:
    people = served.site.people
    for name in ("marlow", "tansy"):
        await following.follow(
            served.site.db, served.site.deps.instance, people[name], people["wren"].actor_id
        )
    page = await served.window("wren")
    await page.goto("/home")
    await follow(page, "marlow would like to follow you")
    marlow = page.get_by_role("article", name="marlow")
    accept = marlow.get_by_role("button", name="Accept")
    await expect(accept).to_have_accessible_description("marlow")
    await accept.click()
    await expect(page.get_by_text("They follow you now.")).to_be_visible()
    await page.get_by_role("article", name="tansy").get_by_role("button", name="Decline").click()
    await expect(page.get_by_text("Nobody is waiting for an answer.")).to_be_visible()
    await marlow.locator("summary").click()
    await marlow.get_by_role("button", name="Remove follower").click()
    await expect(page.get_by_text("They do not follow you any more.")).to_be_visible()
    await expect(marlow).to_have_count(0)


async def test_help_and_exit_are_the_first_stops_of_the_tab_key(served: Served) -> None:
    page = await served.window("wren")
    await page.goto("/g/appointments")
    for name in ("Skip to main content", "Get help now", "Quick exit"):
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name=name)).to_be_focused()


async def test_after_quick_exit_back_shows_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "EXIT_TO", f"{served.base}/rules")
    root = await served.site.writes("marlow", "Forty candles.", group="frontroom", title="Sunday")
    page = await served.window("wren")
    await page.goto(f"/g/frontroom/t/{root}")
    await expect(page.get_by_text("Forty candles.")).to_be_visible()
    await page.get_by_role("link", name="Quick exit").click()
    await expect(page).to_have_url(f"{served.base}/rules")
    await page.go_back()
    await expect(page.get_by_text("Forty candles.")).to_have_count(0)


async def test_what_has_to_change_is_said_and_the_words_stay(db: Db, served: Served) -> None:
    page = await served.window("wren")
    await page.goto("/g/frontroom/write")
    await page.get_by_label("What would you like to say?").fill("x" * 5001)
    await press(page, "Post to The front room")
    await expect(page.get_by_role("alert")).to_contain_text("Make the text shorter than 5,000 characters")
    await expect(page.get_by_label("What would you like to say?")).to_have_value("x" * 5001)
    await page.get_by_role("link", name="Make the text shorter than 5,000 characters").click()
    await expect(page.get_by_label("What would you like to say?")).to_be_in_viewport()


async def test_join_the_server_and_come_in(db: Db, monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    listener = free_port()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    whoever = dataclasses.replace(served.site.deps.instance, overrides=(("registration", "open"),))
    deps = dataclasses.replace(served.site.deps, instance=whoever)
    async with serving(assemble(routes(deps), base_url=base), listener):
        page = await served.window()
        await page.goto(f"{base}/join")
        await page.get_by_label("Choose a sign-in name").fill("fern")
        await page.get_by_label("Choose a password").fill(PASSWORD)
        for box in ("I am 18 or older.", "I have read the rules", "What I write may say something"):
            await page.get_by_label(box).check()
        await press(page, "Create my account")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Find a group")
        await follow(page, "Everyday chat")
        await follow(page, "Join here")
        await press(page, "Join as fern")
        await expect(page.get_by_text("You are in.")).to_be_visible()
