"""Texts that are written so that only a machine reads them: base64, hexadecimal, percent signs, rot13, backwards."""

import base64
import binascii
import codecs
import re
from urllib.parse import unquote

_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,4000}={0,2}(?![\w+/=-])")
_HEX = re.compile(r"(?<!\w)(?:(?:\\x|0x)?[0-9a-fA-F]{2}[ ,:]?){16,2000}(?!\w)")
_HEX_LIKELY = re.compile(r"(?:[0-9a-fA-F]{2}[ ,:\\x0]{0,3}){4}")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}|[\w.~-]){20,2000}")
# "ignore", "disregard", "instruction", "previous", "prompt", "system" in either.
_ROT13 = ("vtaber", "qvfertneq", "vafgehpgvba", "cerivbhf", "cebzcg", "flfgrz")
_BACKWARDS = ("erongi", "dragersid", "noitcurtsni", "suoiverp", "tpmorp", "metsys")
_MOST_DECODED = 8
_LETTERS_OF_TEXT = 0.8


def decoded(text: str) -> list[str]:
    """What the encoded parts of a text say, where that is text; at most a few."""
    found: list[str] = []
    for match in _BASE64.finditer(text):
        found += _text(_from_base64(match.group()))
    for match in _HEX.finditer(text) if _HEX_LIKELY.search(text) else ():
        digits = re.sub(r"\\x|0x|[ ,:]", "", match.group())
        found += _text(bytes.fromhex(digits) if len(digits) % 2 == 0 else b"")
    if "%" in text:
        found += [unquote(match.group()) for match in _PERCENT.finditer(text) if match.group().count("%") > 2]  # noqa: PLR2004
    plain = text.lower()
    if any(word in plain for word in _ROT13):
        found.append(codecs.encode(text, "rot13"))
    if any(word in plain for word in _BACKWARDS):
        found.append(text[::-1])
    return found[:_MOST_DECODED]


def _from_base64(token: str) -> bytes:
    try:
        return base64.b64decode(token.translate(str.maketrans("-_", "+/")) + "=" * (-len(token.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return b""


def _text(data: bytes) -> list[str]:
    """The bytes as text; nothing where they are anything else."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return []
    letters = sum(character.isalpha() or character.isspace() for character in text)
    return [text] if text and letters / len(text) >= _LETTERS_OF_TEXT else []
