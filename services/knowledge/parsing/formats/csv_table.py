"""CSV and its kin: one table, with the delimiter that its first lines agree on. Read as a stream, row by row."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.charsets import decoded_stream
from services.knowledge.parsing.document import ParsedDocument, ParseLimits

_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 256 * 1024
_SAMPLE_ROWS = 50
_SEPARATOR_LINE = "sep="


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    csv.field_size_limit(limits.text_characters)
    builder = DocumentBuilder(limits)
    for row in _rows(decoded_stream(data)):
        if any(row):
            builder.table_row(row)
        else:
            builder.close()
    return builder.build(None)


def _rows(stream: io.TextIOBase) -> Iterator[list[str]]:
    sample = stream.read(_SAMPLE_CHARACTERS)
    first, _, rest = sample.partition("\n")
    if first.lower().startswith(_SEPARATOR_LINE) and len(first.rstrip()) == len(_SEPARATOR_LINE) + 1:
        delimiter, sample = first.rstrip()[-1], rest  # what Excel writes for itself
    else:
        delimiter = _delimiter(sample)
    return csv.reader(_lines(sample, stream), delimiter=delimiter)


def _lines(sample: str, stream: io.TextIOBase) -> Iterator[str]:
    """The lines of the sample and of what follows it, without the NULs that damaged files hold."""
    lines = list(io.StringIO(sample, newline=""))
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += stream.readline()
    for source in (lines, stream):
        for line in source:
            yield line.replace("\0", "")


def _delimiter(sample: str) -> str:
    """The delimiter that gives most of the first rows the same number of cells, more than one."""
    best, most = ",", 0.0
    for delimiter in _DELIMITERS:
        widths: Counter[int] = Counter()
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        for row in islice(rows, _SAMPLE_ROWS):
            widths[len(row)] += bool(row)
        width, agreeing = widths.most_common(1)[0] if widths else (0, 0)
        share = agreeing / max(1, widths.total())
        if width > 1 and share > most:
            best, most = delimiter, share
    return best
