"""lxml's incremental parser, set so that a document can neither reach outside itself nor expand without bound."""

import importlib
from collections.abc import Iterator
from typing import IO, Any, Protocol, cast

_etree: Any = importlib.import_module("lxml.etree")  # it has no types


class XmlElement(Protocol):
    tag: Any
    text: str | None
    tail: str | None  # known only once the parent has ended

    def __iter__(self) -> Iterator["XmlElement"]: ...
    def get(self, key: str, default: str = ...) -> str: ...
    def items(self) -> list[tuple[str, str]]: ...
    def clear(self) -> None: ...


class XmlError(Exception):
    """The XML isn't well-formed, or passes libxml2's own limits (nesting, entity expansion, size of one text)."""


def xml_events(stream: IO[bytes]) -> Iterator[tuple[str, XmlElement]]:
    """Yields ("start" | "end", element) in document order. Raises `XmlError`."""
    parser = _etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from cast("Iterator[tuple[str, XmlElement]]", parser)
    except _etree.XMLSyntaxError as error:
        raise XmlError(str(error)) from error


def local_name(element: XmlElement) -> str:
    """The element's name without its namespace: strict and transitional documents differ only in that."""
    if not isinstance(element.tag, str):  # an entity, which is not resolved
        return ""
    return element.tag.rpartition("}")[2]


def attribute(element: XmlElement, name: str) -> str:
    """The attribute's value whatever its namespace, or an empty string."""
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""
