"""What a Word document's paragraph styles mean for its structure."""

import re
from dataclasses import dataclass
from typing import IO

from services.knowledge.parsing.formats.xml_events import attribute, local_name, xml_events

TITLE_LEVEL = 0
LOWEST_HEADING = 9
_HEADING_NAME = re.compile(r"heading ([1-9])", re.IGNORECASE)
_MOST_ANCESTORS = 20


@dataclass(frozen=True, slots=True)
class Style:
    """`heading` is the level (0 is the document's title); None where paragraphs of the style aren't headings."""

    heading: int | None = None
    is_list: bool = False


@dataclass(slots=True)
class _Declared:
    name: str = ""
    parent: str = ""
    outline: int | None = None
    is_list: bool | None = None


def read_styles(stream: IO[bytes]) -> dict[str, Style]:
    """Returns the paragraph styles by id, with what they inherit. Raises `XmlError`."""
    declared: dict[str, _Declared] = {}
    current = _Declared()
    for event, element in xml_events(stream):
        name = local_name(element)
        if event == "start" and name == "style":
            current = declared.setdefault(attribute(element, "styleId"), _Declared())
        elif event == "start":
            continue
        elif name == "name":
            current.name = attribute(element, "val")
        elif name == "basedOn":
            current.parent = attribute(element, "val")
        elif name == "outlineLvl":
            current.outline = outline_level(attribute(element, "val"))
        elif name == "numId":
            current.is_list = attribute(element, "val") != "0"
        elif name == "style":
            element.clear()
            current = _Declared()
    return {style: _resolved(style, declared) for style in declared}


def outline_level(value: str) -> int | None:
    """The heading level of an outline level as the file counts it (from 0; 9 is body text)."""
    return int(value) + 1 if value.isdecimal() and len(value) == 1 and int(value) < LOWEST_HEADING else None


def _resolved(style: str, declared: dict[str, _Declared]) -> Style:
    heading: int | None = None
    is_list: bool | None = None
    for _ in range(_MOST_ANCESTORS):
        entry = declared.get(style)
        if entry is None:
            break
        named = _HEADING_NAME.fullmatch(entry.name)
        if heading is None:
            heading = int(named[1]) if named else TITLE_LEVEL if entry.name.lower() == "title" else entry.outline
        is_list = entry.is_list if is_list is None else is_list
        style = entry.parent
    return Style(heading, bool(is_list) and heading is None)
