"""Bytes of unknown encoding to text."""

import codecs
import io
import re

from charset_normalizer import from_bytes

from services.knowledge.parsing.document import FailureCode, ParseFailure

_SAMPLE_BYTES = 64 * 1024
_PIECE_BYTES = 1024 * 1024
# UTF-32 first: its little-endian mark begins with UTF-16's.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Where bytes fit several encodings about as well, the one that the web and office files use.
_SUPERSETS = {"shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "ascii": "utf-8"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]")
_MOST_CONTROL_SHARE = 0.02
_FEW_CONTROLS = 8


def decode(data: bytes, declared: str | None = None) -> str:
    """Returns the text of `data`: by its byte order mark, as UTF-8, as `declared`, else by the likeliest encoding.

    Raises `ParseFailure` (`corrupt`) when the bytes aren't text.
    """
    text = _decode(data, declared)
    sample = text[:_SAMPLE_BYTES]
    if len(_CONTROL.findall(sample)) > max(_FEW_CONTROLS, _MOST_CONTROL_SHARE * len(sample)):
        raise ParseFailure(FailureCode.CORRUPT, "The file isn't text: it holds binary data.")
    return text


def decoded_stream(data: bytes) -> io.TextIOWrapper:
    """Returns the text of `data` as `decode` does, but as a stream, which never holds all of it.

    What the encoding can't hold becomes a replacement character.
    """
    sample = data[:_SAMPLE_BYTES]
    decode(sample)
    skip, encoding = _encoding(data, sample)
    stream = io.BytesIO(data)
    stream.seek(skip)
    return io.TextIOWrapper(stream, encoding, "replace", newline="")


def _encoding(data: bytes, sample: bytes) -> tuple[int, str]:
    """The number of bytes before the text and the text's encoding."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return len(mark), encoding
    if wide := _utf16_without_mark(sample):
        return 0, wide
    if _is_utf8(data):
        return 0, "utf-8"
    return 0, _likeliest(sample)


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE_BYTES):
            decoder.decode(data[start : start + _PIECE_BYTES])
    except UnicodeDecodeError:
        return False
    return True


def _decode(data: bytes, declared: str | None) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    sample = data[:_SAMPLE_BYTES]
    if wide := _utf16_without_mark(sample):
        return data.decode(wide, "replace")
    for encoding in ("utf-8", declared):
        try:
            if encoding and codecs.lookup(encoding)._is_text_encoding:  # noqa: SLF001 - codecs has no public way to ask
                return data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode(_likeliest(sample), "replace")


def _likeliest(sample: bytes) -> str:
    best = from_bytes(sample).best()
    encoding = best.encoding if best else "cp1252"
    return _SUPERSETS.get(encoding, encoding)


def _utf16_without_mark(sample: bytes) -> str | None:
    """UTF-16 of mostly Latin text has a NUL as every other byte, which no other text has."""
    half = len(sample) // 2
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = sample[offset::2].count(0), sample[1 - offset :: 2].count(0)
        if half and zeros > half // 2 and others < half // 20 + 1:
            return encoding
    return None
