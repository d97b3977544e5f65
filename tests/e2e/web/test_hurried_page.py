"""What the page bears of people who don't wait, and of texts that aren't like its own."""

import json
from uuid import uuid4

import pytest

from tests.stack import PASSWORD, Stack

pytest.importorskip("playwright.async_api", reason="the package playwright isn't installed")

from playwright.async_api import Page, Route, expect

from tests.e2e.web.test_conversations_page import BICYCLES, FERRY, ask, choose
from tests.e2e.web.test_page import HARBOUR, assert_fits, sign_in

NEXT = "And do bicycles travel free of charge?"
WINDOW_HEIGHTS = "[document.documentElement.scrollHeight, innerHeight]"
# Where the first letter and the last sign of the question stand.
LEFT_OF_ENDS = """() => {
  const text = document.querySelector(".question").firstChild;
  const left = (at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().left;
  };
  return [left(0), left(text.length - 1)];
}"""


async def test_what_is_written_while_an_answer_comes_or_another_page_is_looked_at_stays(
    page: Page, stack: Stack
) -> None:
    async with stack.member() as member:
        await member.add(HARBOUR, "Harbour rules")
        await sign_in(page, member.email)
        box = page.get_by_label("Your question")
        await box.fill(FERRY)
        await page.keyboard.press("Enter")
        await page.keyboard.type(NEXT)
        await expect(page.locator(".answer")).to_contain_text("07:40")
        await expect(box).to_have_value(NEXT)
        await page.get_by_role("link", name="Documents").click()
        await expect(box).to_have_count(0)
        await page.go_back()
        await expect(box).to_have_value(NEXT)
        await page.get_by_role("link", name="New question").click()
        await expect(page.locator(".turn")).to_have_count(0)
        await expect(box).to_have_value("")


async def test_a_conversation_longer_than_the_screen_scrolls_in_its_place(page: Page, stack: Stack) -> None:
    async with stack.member() as member:
        await member.add(HARBOUR, "Harbour rules")
        await sign_in(page, member.email)
        await ask(page, FERRY)
        await ask(page, BICYCLES)
        for width in (1280, 390):
            await page.set_viewport_size({"width": width, "height": 300})
            await page.get_by_role("radio").last.focus()
            content, window = await page.evaluate(WINDOW_HEIGHTS)
            assert content == window


async def test_a_long_title_is_clipped_where_its_conversation_was_deleted(page: Page, stack: Stack) -> None:
    title = "Donaudampfschifffahrtsgesellschaft" * 4
    async with stack.member() as member:
        session_id = (await member.ask(FERRY))["session_id"]
        await member.http.patch(f"/chat/sessions/{session_id}", json={"title": title})
        await sign_in(page, member.email)
        await choose(page, title, "Delete")
        await page.set_viewport_size({"width": 390, "height": 700})
        await expect(page.get_by_role("button", name="Undo")).to_be_visible()
        await assert_fits(page)


async def test_a_question_written_from_right_to_left_ends_at_the_left(page: Page, stack: Stack) -> None:
    async with stack.member() as member:
        await sign_in(page, member.email)
        await ask(page, "באיזו שעה נפתח המעגן?")
        first, last = await page.evaluate(LEFT_OF_ENDS)
        assert last < first


async def test_an_account_that_was_asked_for_too_soon_appears_when_it_may(page: Page, stack: Stack) -> None:
    refused: list[str] = []

    async def too_soon(route: Route) -> None:
        if refused:
            await route.continue_()
            return
        refused.append(route.request.url)
        error = {"code": "RATE_LIMITED", "message": "Wait.", "details": {"retry_after_s": 1}, "request_id": "r"}
        await route.fulfill(status=429, content_type="application/json", body=json.dumps(error))

    async with stack.member() as member:
        await page.route("**/users/me", too_soon)
        await sign_in(page, member.email)
        await expect(page.get_by_text(member.email)).to_be_visible()
        await expect(page.get_by_role("link", name="Reviews")).to_be_visible()
        assert refused


async def test_a_passage_whose_document_was_deleted_meanwhile_says_so(page: Page, stack: Stack) -> None:
    async with stack.member() as member:
        document_id = await member.add(HARBOUR, "Harbour rules")
        await sign_in(page, member.email)
        await ask(page, FERRY)
        (await member.http.delete(f"/documents/{document_id}")).raise_for_status()
        await page.locator(".citation").click()
        await page.get_by_role("button", name="Show it in its document").click()
        await expect(page.get_by_role("alert")).to_contain_text("can’t be opened any more")


async def test_whoever_is_invited_joins_on_the_page_and_learns_when_the_session_has_ended(
    page: Page, stack: Stack
) -> None:
    email = f"{uuid4().hex[:12]}@example.com"
    async with stack.member() as member:
        organization = (await member.http.get("/users/me")).json()
        path = f"/organizations/{organization['organization_id']}"
        invited = await member.http.post(f"{path}/invitations", json={"email": email})
        await page.goto("/")
        await page.get_by_role("button", name="Create one").click()
        await page.get_by_role("button", name="I have an invitation").click()
        await page.get_by_label("Invitation", exact=True).fill(invited.json()["token"])
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Create account").click()
        await expect(page.get_by_text(organization["organization_name"])).to_be_visible()

        members = (await member.http.get(f"{path}/members", params={"q": email})).json()["items"]
        (await member.http.delete(f"{path}/members/{members[0]['user_id']}")).raise_for_status()
        ended = page.get_by_text("Your session has ended.")
        while not await ended.is_visible():
            await page.reload()
            await expect(ended.or_(page.get_by_text(organization["organization_name"]))).to_be_visible()
