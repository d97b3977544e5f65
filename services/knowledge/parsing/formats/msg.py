"""E-mail as Outlook stores it (MSG): a compound file whose streams are named after MAPI's properties.

Source: [MS-OXMSG]. The only file besides `containers` that knows olefile, which has no types.
"""

import io
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import olefile  # pyright: ignore[reportMissingTypeStubs] - it has none

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.formats.eml import add_envelope
from services.knowledge.parsing.formats.html import add_fragment
from services.knowledge.parsing.formats.members import Members
from services.knowledge.parsing.formats.plain_text import add_text

_CORRUPT = "The file isn't a readable Outlook message: it is damaged or incomplete."
_SUBJECT, _SENDER, _SENDER_ADDRESS, _TO, _CC = "0037", "0C1A", "5D01", "0E04", "0E03"
_BODY, _HTML = "1000", "1013"
_ATTACHED_BYTES, _LONG_NAME, _SHORT_NAME, _CONTENT_ID = "3701", "3707", "3704", "3712"
_ATTACHMENT = "__attach_version1.0_"
_TEXT_KINDS, _BINARY, _EMBEDDED = ("001F", "001E"), "0102", "000D"
_DELIVERED, _SUBMITTED = 0x0E060040, 0x00390040
_HEADER_BYTES, _EMBEDDED_HEADER_BYTES, _PROPERTY_BYTES = 32, 24, 16
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp")
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as compound:  # pyright: ignore[reportUnknownVariableType] - untyped
            title = _add(builder, _Storage(compound, ()), limits)
    except (OSError, IndexError, struct.error, UnicodeError) as error:
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT) from error
    return builder.build(title)


class _Storage:
    """A folder of the compound file: the message itself, an attachment, or a message within an attachment."""

    def __init__(self, compound: Any, path: tuple[str, ...]) -> None:
        self._compound = compound
        self.path = path

    def text(self, name: str) -> str:
        for kind in _TEXT_KINDS:
            content = self._read(f"__substg1.0_{name}{kind}")
            if content is not None:
                text = content.decode("utf-16-le", "replace") if kind == _TEXT_KINDS[0] else decode(content)
                return text.rstrip("\0")
        return ""

    def binary(self, name: str) -> bytes | None:
        return self._read(f"__substg1.0_{name}{_BINARY}")

    def embedded(self, name: str) -> "_Storage | None":
        path = (*self.path, f"__substg1.0_{name}{_EMBEDDED}")
        return _Storage(self._compound, path) if self._compound.exists(list(path)) else None

    def attachments(self) -> Iterator["_Storage"]:
        depth = len(self.path)
        names = {entry[depth] for entry in self._compound.listdir() if tuple(entry[:depth]) == self.path}
        for name in sorted(name for name in names if name.startswith(_ATTACHMENT)):
            yield _Storage(self._compound, (*self.path, name))

    def time(self) -> datetime | None:
        """When the message was sent."""
        content = self._read("__properties_version1.0") or b""
        start = _EMBEDDED_HEADER_BYTES if self.path else _HEADER_BYTES
        for offset in range(start, len(content) - _PROPERTY_BYTES + 1, _PROPERTY_BYTES):
            tag, _, value = struct.unpack_from("<IIQ", content, offset)
            if tag in (_SUBMITTED, _DELIVERED):
                try:
                    return _EPOCH + timedelta(microseconds=value // 10)
                except OverflowError:
                    return None
        return None

    def _read(self, name: str) -> bytes | None:
        path = [*self.path, name]
        return self._compound.openstream(path).read() if self._compound.exists(path) else None


def _add(builder: DocumentBuilder, message: _Storage, limits: ParseLimits) -> str:
    members = Members(builder, limits)
    subject, sender, address = message.text(_SUBJECT), message.text(_SENDER), message.text(_SENDER_ADDRESS)
    sent_by = f"{sender} <{address}>" if address and address != sender else sender
    sent = message.time()
    if not message.path:
        builder.date = sent
    shown = sent.strftime("%Y-%m-%d %H:%M UTC") if sent else ""
    lines = [("From", sent_by), ("To", message.text(_TO)), ("Cc", message.text(_CC)), ("Date", shown)]
    add_envelope(builder, subject, lines)
    body, html = message.text(_BODY), message.binary(_HTML)
    if body.strip():
        add_text(builder, body)
    elif html:
        add_fragment(builder, decode(html))
    for number, attachment in enumerate(message.attachments(), start=1):
        name = attachment.text(_LONG_NAME) or attachment.text(_SHORT_NAME) or f"attachment {number}"
        inner, content = attachment.embedded(_ATTACHED_BYTES), attachment.binary(_ATTACHED_BYTES)
        if inner:
            within = DocumentBuilder(builder.limits_left())
            title = _add(within, inner, members.limits_left())
            builder.embed(title or name, within.build(title))
        elif content and not (attachment.text(_CONTENT_ID) and name.lower().endswith(_IMAGES)):
            members.add(name, content)
    return subject
