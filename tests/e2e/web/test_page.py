"""What people do with the page, in a real browser."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from libs.stores.postgres import Database
from tests.stack import PASSWORD, Member, Stack

pytest.importorskip("playwright.async_api", reason="the package playwright isn't installed")

from playwright.async_api import Page, expect

# The first character takes two UTF-16 units: places counted in the wrong unit mark the wrong words.
HARBOUR = """# Harbour rules

## Lighthouse

𝓢kerry Point is the harbour's only lighthouse. The lighthouse at Skerry Point was lit in 1887.

## Ferry

The ferry leaves at 07:40 <img src="https://attacker.example/x.png"> and at 18:10. Bicycles travel free of charge.
"""
LIT = "The lighthouse at Skerry Point was lit in 1887."


@pytest.fixture
async def member(stack: Stack) -> AsyncIterator[Member]:
    async with stack.member() as member:
        await member.add(HARBOUR, "Harbour rules", external_id="harbour.md")
        yield member


async def sign_in(page: Page, email: str) -> None:
    await page.goto("/")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_label("Your question")).to_be_visible()


async def ask(page: Page, question: str) -> None:
    await page.get_by_label("Your question").fill(question)
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(page.get_by_role("button", name="How was this answered?")).to_be_visible()


async def test_a_newcomer_registers_uploads_asks_and_opens_the_passage(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("button", name="Create one").click()
    await page.get_by_label("E-mail").fill(f"{uuid4().hex[:12]}@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Organisation").fill("Harbour office")
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("link", name="Documents").click()
    file = {"name": "harbour.md", "mimeType": "text/markdown", "buffer": HARBOUR.encode()}
    await page.get_by_label("Files to add").set_input_files([file])
    await expect(page.get_by_text("Ready", exact=True)).to_be_visible(timeout=60_000)

    await page.get_by_role("link", name="New question").click()
    await ask(page, "When was the lighthouse at Skerry Point lit?")
    await expect(page.locator(".answer")).to_contain_text("1887")
    await expect(page.get_by_text("From your documents")).to_be_visible()
    await page.locator(".answer").get_by_role("button", name="Source").first.click()
    passage = page.get_by_role("dialog")
    await expect(passage).to_contain_text("Lighthouse")
    await expect(passage.locator("mark")).to_have_text(LIT)
    await passage.get_by_role("button", name="Show it in its document").click()
    await expect(passage.get_by_role("button", name="Show it in its document")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(passage).to_be_hidden()
    await expect(page.locator(".answer").get_by_role("button").first).to_be_focused()

    await page.get_by_role("button", name="How was this answered?").click()
    await expect(page.get_by_role("dialog").locator(".steps > li").first).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("link", name="Usage").click()
    await expect(page.get_by_text("1 of 100")).to_be_visible()
    await expect(page.get_by_text("free plan")).to_be_visible()


async def test_what_the_documents_do_not_say_is_not_known(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await ask(page, "Who won the chess world championship in 1972?")
    await expect(page.get_by_text("No answer", exact=True)).to_be_visible()
    await expect(page.locator(".answer").get_by_role("button")).to_have_count(0)


async def test_markup_in_a_document_stays_text(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await ask(page, "When does the ferry leave?")
    await expect(page.locator(".answer")).to_contain_text("07:40")
    await page.locator(".footnotes").get_by_role("button").first.click()
    await expect(page.get_by_role("dialog").locator("blockquote")).to_contain_text("18:10")
    await expect(page.locator("img")).to_have_count(0)


async def test_a_conversation_is_read_again_after_a_reload_and_deleted(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await ask(page, "When was the lighthouse lit?")
    answer = await page.locator(".answer").inner_text()
    await page.reload()
    await expect(page.locator(".answer")).to_have_text(answer)
    await expect(page.locator(".turn")).to_have_count(1)
    await ask_again_in_the_same_session(page)
    await page.get_by_role("button", name="Options for").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await expect(page.get_by_text("None yet. Ask a question to begin one.")).to_be_visible()
    sessions = (await member.http.get("/chat/sessions")).raise_for_status().json()
    assert sessions["items"] == []


async def ask_again_in_the_same_session(page: Page) -> None:
    address = page.url
    await page.get_by_label("Your question").fill("Do bicycles travel free of charge?")
    await page.get_by_label("Your question").press("Enter")
    await expect(page.get_by_role("button", name="How was this answered?")).to_have_count(2)
    assert page.url == address


async def test_a_deleted_document_leaves_the_list_and_the_answers_that_cite_it(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await ask(page, "When was the lighthouse at Skerry Point lit?")
    await expect(page.locator(".answer")).to_contain_text("1887")
    await page.get_by_role("link", name="Documents").click()
    await page.get_by_role("button", name="Delete the document Harbour rules").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("None yet. Add one, then ask about it.")).to_be_visible()
    await page.get_by_role("link", name="When was the lighthouse at Skerry Point lit?").click()
    await expect(page.locator(".answer")).to_contain_text("no longer available")
    await expect(page.get_by_role("main")).not_to_contain_text("1887")


async def test_an_upload_that_cannot_be_read_says_why(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await page.get_by_role("link", name="Documents").click()
    empty = {"name": "nothing.md", "mimeType": "text/markdown", "buffer": b""}
    program = {"name": "program.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x00\x01" * 64}
    await page.get_by_label("Files to add").set_input_files([program, empty])
    await expect(page.get_by_role("alert")).to_contain_text("Request id")
    await expect(page.get_by_text("Failed", exact=True)).to_be_visible(timeout=60_000)


async def test_a_document_that_waits_says_for_what_and_until_when(page: Page, member: Member, stack: Stack) -> None:
    document_id = (await member.http.get("/documents")).json()["items"][0]["document_id"]
    database = Database(stack.settings, "knowledge")
    postponed = (
        "UPDATE revisions SET status = 'pending', lease_until = now() + interval '1 hour', waits_for = 'disk_full' "
        "WHERE document_id = :id"
    )
    async with database.transaction() as session:
        await session.execute(text(postponed), {"id": UUID(document_id)})
        await session.execute(
            text("UPDATE documents SET status = 'processing' WHERE id = :id"), {"id": UUID(document_id)}
        )
    await sign_in(page, member.email)
    await page.get_by_role("link", name="Documents").click()
    told = re.compile(r"The server's disk is full\. It is tried again at \d+:\d+:\d+\.")
    await expect(page.get_by_text(told)).to_be_visible()
    await expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
    async with database.transaction() as session:
        await session.execute(text("UPDATE revisions SET lease_until = now() WHERE waits_for IS NOT NULL"))
    await database.close()
    await expect(page.get_by_text("Ready", exact=True)).to_be_visible()
    await expect(page.get_by_text("disk is full")).to_be_hidden()


async def test_a_refused_sign_in_shows_the_reason_and_the_request_id(page: Page, member: Member) -> None:
    await page.goto("/")
    await page.get_by_label("E-mail").fill(member.email)
    await page.get_by_label("Password").fill("not the password")
    async with page.expect_response("**/auth/login") as answered:
        await page.get_by_role("button", name="Sign in").click()
    envelope = await (await answered.value).json()
    await expect(page.get_by_role("alert")).to_contain_text(envelope["message"])
    await expect(page.get_by_role("alert")).to_contain_text(envelope["request_id"])


async def test_an_access_token_that_ended_is_renewed_unnoticed(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    await page.evaluate(
        "localStorage.setItem('footnote.tokens', JSON.stringify("
        "{...JSON.parse(localStorage.getItem('footnote.tokens')), access: 'ended'}))"
    )
    await page.reload()
    await expect(page.get_by_text(member.email)).to_be_visible()
    await ask(page, "When was the lighthouse lit?")


async def test_signing_out_in_one_tab_signs_out_the_other(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    other = await page.context.new_page()
    await other.goto("/#/documents")
    await expect(other.get_by_text("Harbour rules", exact=True)).to_be_visible()
    async with page.expect_response("**/auth/logout") as told:
        await page.get_by_role("button", name="Sign out").click()
    assert (await told.value).ok
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(other.get_by_text("Harbour rules", exact=True)).to_have_count(0)


async def test_an_answer_can_be_stopped(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    # Holds the question back, so that there is time to stop it.
    await page.route("**/chat", lambda _route: None)
    await page.get_by_label("Your question").fill("When does the ferry leave?")
    await page.get_by_role("button", name="Ask", exact=True).click()
    async with page.expect_event("requestfailed") as aborted:
        await page.get_by_role("button", name="Stop").click()
    assert (await aborted.value).url.endswith("/chat")
    await expect(page.get_by_text("This answer was stopped before it was complete.")).to_be_visible()
    await expect(page.get_by_label("Your question")).to_be_focused()


async def test_a_question_that_is_too_long_is_counted_as_the_server_counts_it(page: Page, member: Member) -> None:
    await sign_in(page, member.email)
    button = page.get_by_role("button", name="Ask", exact=True)
    await page.get_by_label("Your question").fill("𝓢" * 2_000)
    await expect(page.get_by_text("2,000 of 2,000 characters")).to_be_visible()
    await expect(button).to_be_enabled()
    await page.get_by_label("Your question").fill("𝓢" * 2_001)
    await expect(page.get_by_text("shorten it by 1")).to_be_visible()
    await expect(button).to_be_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_fits_a_small_telephone(page: Page, member: Member, scheme: str) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": 360, "height": 640})
    await sign_in(page, member.email)
    await ask(page, "When was the lighthouse lit?")
    await page.get_by_role("button", name="How was this answered?").click()
    await expect(page.get_by_role("dialog").locator(".steps > li").first).to_be_visible()
    await assert_fits(page)
    await page.keyboard.press("Escape")
    for link in ("Documents", "Usage", "New question"):
        await page.get_by_role("button", name="Menu").press("Enter")
        await page.get_by_role("dialog").get_by_role("link", name=link).press("Enter")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await assert_fits(page)


async def assert_fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
