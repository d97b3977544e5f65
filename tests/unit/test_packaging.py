"""Everything that the code reads at its own side is installed with it, at the same place."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools import Distribution
from setuptools.command.build_py import build_py

from libs.config.settings import REPOSITORY

# What the code reads lies beside it, or in one of these folders of the root.
ROOTS = ("libs", "services", "scripts", "config", "migrations", "docs/handbook")
# The web page's sources: what is served is built from them.
UNBUILT = REPOSITORY / "services" / "web"


@pytest.fixture(scope="module")
def installed() -> set[Path]:
    """Every file that a wheel of this tree would hold, as setuptools finds them; nothing is built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        distribution = Distribution({"script_name": "setup.py"})
        distribution.parse_config_files()
        command = build_py(distribution)
        command.finalize_options()
        modules = [Path(module[2]) for module in command.find_all_modules()]
        data = [Path(folder, name) for _, folder, _, names in command.data_files for name in names]
    return {REPOSITORY / path for path in [*modules, *data]}


def test_every_file_of_the_code_and_of_the_folders_it_reads_is_installed(installed: set[Path]):
    assert sorted(set(read_at_run_time()) - installed) == []


def test_the_built_page_is_installed_and_its_sources_are_not(installed: set[Path]):
    built = {path for path in (UNBUILT / "dist").rglob("*") if path.is_file()}
    assert {path for path in installed if path.is_relative_to(UNBUILT)} == built


def read_at_run_time() -> Iterator[Path]:
    for root in ROOTS:
        for folder, below, names in os.walk(REPOSITORY / root):
            below[:] = [name for name in below if name != "__pycache__" and Path(folder, name) != UNBUILT]
            yield from (Path(folder, name) for name in names if not name.startswith("."))
