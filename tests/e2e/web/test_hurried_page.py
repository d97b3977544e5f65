"""What the page bears of people who don't wait, and of texts that aren't like its own."""

import json

import pytest

from tests.stack import Stack

pytest.importorskip("playwright.async_api", reason="the package playwright isn't installed")

from playwright.async_api import Page, Route, expect

from tests.e2e.web.test_conversations_page import BICYCLES, FERRY, ask
from tests.e2e.web.test_page import HARBOUR, sign_in

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
