"""What people do with their conversations on the page."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.stack import PASSWORD, Member, Stack

pytest.importorskip("playwright.async_api", reason="the package playwright isn't installed")

from playwright.async_api import Locator, Page, expect

from tests.e2e.web.test_page import HARBOUR, sign_in

FERRY = "When does the ferry leave?"
BICYCLES = "Do bicycles travel free of charge?"


@pytest.fixture
async def member(stack: Stack) -> AsyncIterator[Member]:
    async with stack.member() as member:
        await member.add(HARBOUR, "Harbour rules")
        yield member


async def ask(page: Page, question: str) -> None:
    turns = await page.locator(".turn").count()
    await page.get_by_label("Your question").fill(question)
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(page.get_by_role("button", name="Answer again")).to_have_count(turns + 1)


async def choose(page: Page, title: str, item: str) -> None:
    """From the menu of a conversation."""
    await page.locator(".sessions li", has_text=title).hover()
    await page.get_by_role("button", name=f"Options for {title}", exact=True).click()
    await page.get_by_role("menuitem", name=item).click()


def conversations(page: Page) -> Locator:
    return page.locator(".sessions li a")


async def colleague_of(member: Member, stack: Stack) -> str:
    """The address of a new member of the same organisation."""
    email = f"{uuid4().hex[:12]}@example.com"
    organization = (await member.http.get("/users/me")).json()["organization_id"]
    invited = await member.http.post(f"/organizations/{organization}/invitations", json={"email": email})
    registration = {"email": email, "password": PASSWORD, "invitation_token": invited.json()["token"]}
    async with stack.client() as http:
        (await http.post("/auth/register", json=registration)).raise_for_status()
    return email


async def test_a_conversation_is_named_found_answered_again_rated_shared_deleted_and_restored(
    page: Page, member: Member, stack: Stack
) -> None:
    await sign_in(page, member.email)
    await ask(page, "When was the lighthouse lit?")
    await page.get_by_role("link", name="New question").click()
    await expect(page.locator(".turn")).to_have_count(0)
    await ask(page, FERRY)
    await ask(page, BICYCLES)

    await name_pin_and_search(page)
    await answer_again_and_edit(page)
    await rate_the_first_answer(page)
    await choose(page, "Ferry times", "Share with colleagues")
    await page.get_by_role("button", name="Share", exact=True).click()
    link = await page.get_by_label("Link for colleagues").input_value()
    await page.get_by_role("button", name="Close").click()
    await read_as_a_colleague(page, await colleague_of(member, stack), link)
    await read_as_an_admin(page)
    await delete_and_restore(page)


async def name_pin_and_search(page: Page) -> None:
    await page.get_by_role("button", name=f"Options for {FERRY}").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_label("Title of the conversation").fill("Ferry times")
    await page.keyboard.press("Enter")
    await expect(conversations(page).first).to_have_text("Ferry times")
    await expect(conversations(page).first).to_be_focused()
    await choose(page, "When was the lighthouse lit?", "Pin")
    await expect(conversations(page)).to_have_text(["When was the lighthouse lit?", "Ferry times"])
    await expect(page.get_by_role("img", name="Pinned")).to_be_visible()

    # By a word of a question that is still being typed.
    search = page.get_by_label("Search conversations")
    await search.fill("bicyc")
    await expect(conversations(page)).to_have_text(["Ferry times"])
    await search.press("ArrowDown")
    await expect(conversations(page)).to_be_focused()
    await search.press("Escape")
    await expect(conversations(page)).to_have_count(2)


async def answer_again_and_edit(page: Page) -> None:
    """What followed stays on the other branch."""
    await page.get_by_role("button", name="Answer again").first.click()
    versions = page.get_by_role("group", name="Versions of the answer")
    await expect(versions).to_contain_text("2/2")
    await expect(page.locator(".turn")).to_have_count(1)
    await page.get_by_role("button", name="Earlier answer").click()
    await expect(versions).to_contain_text("1/2")
    await expect(page.locator(".question")).to_have_text([FERRY, BICYCLES])
    await expect(page.get_by_role("button", name="Earlier answer")).to_be_focused()

    await page.get_by_role("button", name="Edit").nth(1).click()
    await page.get_by_label("Ask it differently").fill("When was the lighthouse lit?")
    await page.get_by_role("button", name="Ask instead").click()
    await expect(page.get_by_role("group", name="Versions of the question")).to_contain_text("2/2")
    await expect(page.locator(".question")).to_have_text([FERRY, "When was the lighthouse lit?"])


async def read_as_an_admin(page: Page) -> None:
    await page.get_by_role("link", name="Feedback").click()
    await expect(page.get_by_role("list", name="Ratings").get_by_role("listitem")).to_contain_text([FERRY])
    await page.get_by_label("Show").select_option("Only 1, useless")
    await expect(page.get_by_text("No answer was rated so.")).to_be_visible()


async def delete_and_restore(page: Page) -> None:
    """Into the bin, back at once, into the bin again, and back from there."""
    await conversations(page).nth(1).click()
    await choose(page, "Ferry times", "Delete")
    await expect(page.get_by_role("button", name="Undo")).to_be_focused()
    await expect(conversations(page)).to_have_count(1)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".turn")).to_have_count(2)
    await choose(page, "Ferry times", "Delete")
    await page.get_by_role("button", name="Bin").click()
    await page.get_by_role("button", name="Restore Ferry times").click()
    await expect(page.get_by_text("The bin is empty.")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(2)


async def rate_the_first_answer(page: Page) -> None:
    """Whose comment survives a failure to send it."""
    rating = page.locator(".rating").first
    await rating.get_by_text("2", exact=True).click()
    comment = page.get_by_label("What was good or bad about it?")
    await comment.fill("From which pier?")
    await page.route("**/feedback", lambda route: route.abort())
    await page.get_by_role("button", name="Send").click()
    await expect(rating.get_by_role("alert")).to_be_visible()
    await expect(comment).to_have_value("From which pier?")
    await page.unroute("**/feedback")
    await page.get_by_role("button", name="Send").click()
    await expect(rating).to_contain_text("Your rating")
    await page.reload()
    await expect(rating).to_contain_text("From which pier?")
    await expect(rating.get_by_role("radio", name="2")).to_be_checked()


async def read_as_a_colleague(page: Page, email: str, link: str) -> None:
    assert page.context.browser
    context = await page.context.browser.new_context(base_url=page.url)
    try:
        reader = await context.new_page()
        await sign_in(reader, email)
        await expect(reader.get_by_role("link", name="Feedback")).to_be_hidden()
        await reader.get_by_role("button", name="Shared with me").click()
        await expect(conversations(reader)).to_have_text(["Ferry times"])
        await reader.goto(link)
        await expect(reader.get_by_text("Shared by a colleague.")).to_be_visible()
        await expect(reader.locator(".turn")).to_have_count(2)
        await expect(reader.get_by_label("Your question")).to_be_hidden()
        for button in ("Edit", "Answer again", "Send", "How was this answered?"):
            await expect(reader.get_by_role("button", name=button)).to_have_count(0)
        await expect(reader.locator(".rating, .versions")).to_have_count(0)
    finally:
        await context.close()


async def test_a_conversation_goes_out_as_a_file_and_comes_in_marked_as_imported(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await ask(page, FERRY)
    async with page.expect_download() as downloading:
        await choose(page, FERRY, "Export as JSON")
    download = await downloading.value
    assert download.suggested_filename.endswith(".json")
    taken_in = page.get_by_label("Conversation to import")
    wrong = {"name": "wrong.json", "mimeType": "application/json", "buffer": b'{"title": "T"}'}
    await taken_in.set_input_files([wrong])
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("wrong.json")
    await expect(alert.get_by_role("listitem")).to_contain_text(["created_at", "messages"])
    await page.get_by_role("button", name="Dismiss").click()
    await taken_in.set_input_files(await download.path())
    await expect(page.get_by_text("Not verified here", exact=True)).to_be_visible()
    await expect(conversations(page)).to_have_count(2)
    await expect(page.get_by_text("From your documents")).to_have_count(0)


async def test_a_question_that_cannot_be_asked_in_anothers_place_keeps_both(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await ask(page, FERRY)
    await page.route("**/chat", lambda route: route.abort())
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("Ask it differently").fill(BICYCLES)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("can't be reached")
    await expect(page.locator(".answer")).to_contain_text("07:40")
    await page.unroute("**/chat")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_label("Ask it differently")).to_have_value(BICYCLES)
    await page.keyboard.press("Enter")
    await expect(page.locator(".question")).to_have_text([BICYCLES])
    await expect(page.get_by_role("alert")).to_have_count(0)
