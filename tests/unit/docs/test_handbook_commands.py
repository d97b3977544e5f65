"""The commands that the handbook names are those that there are."""

import typer

from scripts.cli import app
from tests.unit.docs.handbook import pages

PAGES = pages()


def command_paths(front_door: typer.Typer, prefix: str = "footnote") -> list[str]:
    own = [command.name or getattr(command.callback, "__name__", "") for command in front_door.registered_commands]
    paths = [f"{prefix} {name}" for name in own]
    for group in front_door.registered_groups:
        if group.typer_instance:
            paths += command_paths(group.typer_instance, f"{prefix} {group.name}")
    return paths


def test_commands_on_the_pages_are_the_ones_there_are():
    known = set(command_paths(app))
    assert "footnote admin plan" in known
    named = {span for page in PAGES.values() for span in page.code_spans if span.startswith("footnote ")}
    unknown = {command for command in named if not any(f"{command} ".startswith(f"{path} ") for path in known)}
    assert not unknown
    described = PAGES["running-footnote.md"].code_spans
    missing = {path for path in known if not any(f"{command} ".startswith(f"{path} ") for command in described)}
    assert not missing
