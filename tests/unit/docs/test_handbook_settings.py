"""Every setting is explained in the handbook, with the default that it has."""

from typing import Any

import pytest

from libs.config.settings import LISTENERS
from tests.unit.docs.handbook import base_settings, pages

PAGES = pages()
BASE = base_settings()


def leaf_keys(values: dict[str, Any], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, value in values.items():
        section: dict[str, Any] = {**value} if isinstance(value, dict) else {}
        keys += leaf_keys(section, f"{prefix}{name}.") or [prefix + name]
    return keys


@pytest.mark.parametrize("key", leaf_keys(BASE))
def test_every_setting_is_explained(key: str):
    assert any(key in page.code_spans for page in PAGES.values())


@pytest.mark.parametrize("cells", [row for row in PAGES["configuration.md"].rows if row[0] in leaf_keys(BASE)])
def test_settings_tables_show_the_defaults(cells: list[str]):
    key, _, default = cells
    value: Any = BASE
    for part in key.split("."):
        value = value[part]
    assert default == (str(value) if value not in ("", [], {}) else "none")


def test_ports():
    described = PAGES["services-and-health.md"].table("service")
    assert {name: cells[0] for name, cells in described.items()} == {
        name: str(BASE["base_port"] + index) for index, name in enumerate(LISTENERS)
    }
