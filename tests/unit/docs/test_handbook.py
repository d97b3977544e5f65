import re
from itertools import pairwise

import pytest

from tests.unit.docs.handbook import HANDBOOK, INDEX, Page, pages

PAGES = pages()
CONTENT = [page for page in PAGES.values() if page.name != INDEX]
KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.md")


def of_every_page(selected: list[Page]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", selected, ids=lambda page: page.name)


def test_holds_pages_alone_and_enough_of_them():
    assert {path.suffix for path in HANDBOOK.iterdir()} == {".md"}
    assert 25 <= len(PAGES) <= 80


@of_every_page(CONTENT)
def test_is_named_in_kebab_case(page: Page):
    assert KEBAB_CASE.fullmatch(page.name)


@of_every_page(list(PAGES.values()))
def test_starts_with_its_only_title(page: Page):
    assert page.source.startswith("# ")
    assert [level for level, _ in page.headings].count(1) == 1


@of_every_page(list(PAGES.values()))
def test_headings_descend_one_level_at_a_time_and_are_unique(page: Page):
    levels = [level for level, _ in page.headings]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    titles = [title for _, title in page.headings]
    assert len(titles) == len(set(titles))


def test_titles_are_unique():
    titles = [page.headings[0][1] for page in PAGES.values()]
    assert len(titles) == len(set(titles))


@of_every_page(CONTENT)
def test_is_short(page: Page):
    assert 120 <= len(page.source.split()) <= 600


@of_every_page(list(PAGES.values()))
def test_links_lead_to_pages_that_exist(page: Page):
    for link in page.links:
        target, _, anchor = link.partition("#")
        assert not anchor, f"{link!r} names a heading, which moves more often than a page"
        assert target in PAGES, f"{link!r} leads nowhere"
        assert target != page.name, f"{link!r} leads back to its own page"


def test_index_links_every_page_once_by_its_subject():
    assert sorted(PAGES[INDEX].links) == sorted(page.name for page in CONTENT)


@of_every_page(CONTENT)
def test_no_two_paragraphs_of_the_handbook_are_the_same(page: Page):
    elsewhere = {paragraph for other in CONTENT if other != page for paragraph in paragraphs(other)}
    assert not paragraphs(page) & elsewhere


def paragraphs(page: Page) -> set[str]:
    return {part for part in page.prose.split("\n\n") if len(part) > 80}
