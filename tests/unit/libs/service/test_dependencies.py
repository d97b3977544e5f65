"""FastAPI calls a plain function that a route depends on in a thread: two turns of a busy machine, for nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.config.settings import REPOSITORY

FILES = sorted(path for part in ("libs", "services") for path in (REPOSITORY / part).rglob("*.py"))


def dependencies(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Depends":
            yield from (one.id for one in node.args if isinstance(one, ast.Name))


def plain_functions(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def imported(tree: ast.Module) -> dict[str, Path]:
    """Names from modules of ours, with their files."""
    return {
        name.asname or name.name: REPOSITORY / (node.module or "").replace(".", "/")
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


@pytest.mark.parametrize("path", [path for path in FILES if "Depends(" in path.read_text()], ids=str)
def test_what_routes_depend_on_runs_in_the_event_loop(path: Path) -> None:
    tree = ast.parse(path.read_text())
    wanted, plain = set(dependencies(tree)), plain_functions(tree)
    for name, module in imported(tree).items():
        source = module.with_suffix(".py")
        if name in wanted and source.is_file() and name in plain_functions(ast.parse(source.read_text())):
            plain.add(name)
    assert not wanted & plain
