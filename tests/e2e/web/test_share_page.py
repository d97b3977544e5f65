"""What the holder of a share link does with the page, without an account."""

import pytest

from tests.stack import Stack, until

pytest.importorskip("playwright.async_api", reason="the package playwright isn't installed")

from playwright.async_api import Page, expect


async def test_a_guest_searches_opens_a_passage_and_learns_when_the_link_has_ended(stack: Stack, page: Page) -> None:
    async with stack.member() as member:
        await member.add("The lighthouse was lit in 1887. <b>Bold</b>.", "Harbour rules", access="public")
        await member.add("The lighthouse will be sold.", "Plans")
        links = f"/organizations/{(await member.http.get('/users/me')).json()['organization_id']}/share-links"
        link = (await member.http.post(links, json={})).json()
        await page.goto(f"/#/share/{link['token']}")
        await page.get_by_label("Search for").fill("When was the lighthouse lit?")
        await page.get_by_role("button", name="Search", exact=True).click()
        await expect(page.get_by_role("heading", name="Harbour rules")).to_be_visible()
        await expect(page.get_by_role("heading", name="Plans")).to_be_hidden()
        opening = page.get_by_role("button", name="Show it in its document")
        await opening.click()
        await expect(opening).to_be_hidden()
        assert (await member.http.delete(f"{links}/{link['id']}")).status_code == 204

        async def refused() -> int | None:
            status = (
                await member.http.get("/documents", headers={"Authorization": f"Bearer {link['token']}"})
            ).status_code
            return status if status == 401 else None

        await until(refused)
        await page.get_by_label("Search for").fill("Who lit the lighthouse?")
        await page.get_by_role("button", name="Search", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("was revoked or has expired")
