"""The page on which people say how they want their answers, and admins how all questions are answered."""

import pytest

from tests.stack import Member, Stack

pytest.importorskip("playwright.async_api", reason="the package playwright isn't installed")

from playwright.async_api import Page, expect

from tests.e2e.web.test_page import sign_in


async def test_instructions_and_the_policy_are_kept(stack: Stack, page: Page) -> None:
    async with stack.member() as owner:
        await sign_in(page, owner.email)
        await page.get_by_role("link", name="Settings").click()
        own = page.get_by_role("form", name="Your answers")
        await own.get_by_label("Your instructions").fill("Answer in one sentence.")
        await own.get_by_role("button", name="Save").click()
        await expect(own.get_by_text("Saved.")).to_be_visible()
        everyones = page.get_by_role("form", name="Answers of")
        await everyones.get_by_label("Answers are written by").select_option("extractive")
        await everyones.get_by_label("An answer may be given again").uncheck()
        await everyones.get_by_label("Instructions for all answers").fill("Be formal.")
        await everyones.get_by_role("button", name="Save").click()
        await expect(everyones.get_by_text("Saved.")).to_be_visible()
        await page.reload()
        await expect(own.get_by_label("Your instructions")).to_have_value("Answer in one sentence.")
        await expect(own.get_by_role("button", name="Save")).to_be_disabled()
        assert await kept(owner) == ("Answer in one sentence.", "extractive", False, "Be formal.")
        await own.get_by_label("Your instructions").fill("")
        await own.get_by_role("button", name="Save").click()
        await expect(own.get_by_text("Saved.")).to_be_visible()
        assert (await kept(owner))[0] == ""


async def kept(owner: Member) -> tuple[str, str, bool, str]:
    own = (await owner.http.get("/chat/instructions")).json()["instructions"]
    policy = (await owner.http.get("/admin/answers")).json()
    return own, policy["mode"], policy["cache_answers"], policy["instructions"]
