"""What an operator may change while Footnote runs, and what a broken file changes: nothing."""

from pathlib import Path

import pytest

from libs.config.live import LiveSettings
from libs.config.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings().model_copy(update={"overrides_file": str(tmp_path / "overrides.yaml")})


async def test_a_change_of_the_file_is_in_force_and_told(settings: Settings) -> None:
    live = LiveSettings(settings)
    told: list[list[str]] = []

    async def listener(current: Settings) -> None:
        told.append(current.embedding.also)

    live.on_change(listener)
    settings.overrides_path.write_text("embedding: {also: [small]}")
    await live.refresh()
    await live.refresh()
    assert live.current.embedding.also == ["small"]
    settings.overrides_path.unlink()
    await live.refresh()
    assert live.current == settings
    assert told == [["small"], []]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("embedding: {also: [a", "isn't YAML"),
        ("- embedding", "sections"),
        ("embedding: minilm", "'embedding' must be a section"),
        ("postgres: {url: x}", "postgres.url"),
        ("chat: {min_support: 0}", "chat.min_support"),
        ("embedding: {also: 3}", "embedding.also"),
        ("embedding: {also: []}\nbase_port: 1", "'base_port' must be a section"),
        ("embeddings: {}", "embeddings can't be changed"),
        ("home: {}", "home can't be changed"),
        ("1: {}", "1 can't be changed"),
        ("embedding: {also: [2026-13-01]}", "isn't YAML"),
        ("[" * 1000, "isn't YAML"),
        ("", "empty"),
        (" \n\n", "empty"),
        ("embedding:", "'embedding' must be a section"),
        ("embedding: {also", "isn't YAML"),
    ],
)
async def test_a_file_that_cannot_be_used_changes_nothing_and_says_why(
    settings: Settings, content: str, names: str
) -> None:
    settings.overrides_path.write_text("embedding: {also: [small]}")
    live = LiveSettings(settings)
    settings.overrides_path.write_text(content)
    await live.refresh()
    assert live.current.embedding.also == ["small"]
    assert live.problem is not None
    assert names in live.problem
    settings.overrides_path.write_text("embedding: {also: []}")
    await live.refresh()
    assert live.problem is None


@pytest.mark.parametrize("nothing", ["{}", "# nothing", None])
async def test_what_says_that_nothing_is_overridden_is_in_force_after_an_empty_file_too(
    settings: Settings, nothing: str | None
) -> None:
    path = settings.overrides_path
    path.write_text("embedding: {also: [small]}")
    live = LiveSettings(settings)
    path.write_text("")
    await live.refresh()
    assert live.current.embedding.also == ["small"]
    if nothing is None:
        path.unlink()
    else:
        path.write_text(nothing)
    await live.refresh()
    assert live.current == settings
    assert live.problem is None


async def test_a_file_that_is_empty_from_the_start_is_no_problem(settings: Settings) -> None:
    settings.overrides_path.touch()
    live = LiveSettings(settings)
    await live.refresh()
    assert (live.current, live.problem) == (settings, None)


async def test_a_file_that_can_be_read_again_is_no_problem_any_more(settings: Settings) -> None:
    settings.overrides_path.write_text("embedding: {also: [small]}")
    live = LiveSettings(settings)
    away = settings.overrides_path.rename(settings.overrides_path.with_suffix(".away"))
    settings.overrides_path.mkdir()
    await live.refresh()
    assert live.current.embedding.also == ["small"]
    assert live.problem is not None
    settings.overrides_path.rmdir()
    away.rename(settings.overrides_path)
    await live.refresh()
    assert live.problem is None


async def test_one_listener_that_fails_keeps_the_others_informed(settings: Settings) -> None:
    live, told = LiveSettings(settings), list[str]()

    async def failing(_: Settings) -> None:
        raise OSError("disk")

    async def listener(current: Settings) -> None:
        told.extend(current.embedding.also)

    live.on_change(failing)
    live.on_change(listener)
    settings.overrides_path.write_text("embedding: {also: [small]}")
    await live.refresh()
    assert told == ["small"]
