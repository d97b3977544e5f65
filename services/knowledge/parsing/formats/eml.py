"""E-mail as a file (EML): subject, who and when, the message, then each attachment as a section."""

import email
import email.policy
import email.utils
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.dates import instant_of
from services.knowledge.parsing.document import ParsedDocument, ParseLimits
from services.knowledge.parsing.formats.html import add_fragment
from services.knowledge.parsing.formats.members import Members
from services.knowledge.parsing.formats.plain_text import add_text

_SHOWN = ("From", "To", "Cc", "Date")
_MESSAGE = "message/rfc822"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    members = Members(builder, limits)
    if data.startswith(_WIDE_MARKS):
        data = decode(data).encode()
    message = email.message_from_bytes(data, EmailMessage, policy=email.policy.default)
    add_envelope(builder, _header(message, "Subject"), [(name, _header(message, name)) for name in _SHOWN])
    _add_body(builder, message)
    for number, part in enumerate(_attachments(message), start=1):
        if part.get("Content-ID") and part.get_content_maintype() == "image":
            continue  # a logo that the message's page shows
        members.add(part.get_filename() or _made_up_name(part, number), _bytes_of(part))
    builder.date = _sent(message)
    return builder.build(_header(message, "Subject"))


def add_envelope(builder: DocumentBuilder, subject: str, lines: list[tuple[str, str]]) -> None:
    """Adds the subject as the outermost heading and the other headers that aren't empty as lines."""
    builder.heading(0, subject)
    builder.paragraph("\n".join(f"{name}: {value}" for name, value in lines if value))


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, TypeError):  # what the library raises on a header beyond repair
        return next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")


def _sent(message: EmailMessage) -> datetime | None:
    try:
        return instant_of(email.utils.parsedate_to_datetime(_header(message, "Date")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _add_body(builder: DocumentBuilder, message: EmailMessage) -> None:
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        text = _text_of(body) if isinstance(body, EmailMessage) else ""
        if text.strip():
            if kind == "html":
                add_fragment(builder, text)
            else:
                add_text(builder, text)
            return


def _attachments(message: EmailMessage) -> Iterator[EmailMessage]:
    if message.get_content_type() == _MESSAGE:
        yield message
    elif message.is_multipart():
        yield from message.iter_attachments()


def _text_of(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    return decode(content, part.get_content_charset()) if isinstance(content, bytes) else ""


def _bytes_of(part: EmailMessage) -> bytes:
    if part.get_content_type() == _MESSAGE:
        inner = part.get_content()
        return inner.as_bytes() if isinstance(inner, EmailMessage) else b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _made_up_name(part: EmailMessage, number: int) -> str:
    if part.get_content_type() == _MESSAGE:
        inner = part.get_content()
        return f"{_header(inner, 'Subject') or f'message {number}'}.eml"
    return f"attachment {number}"
