"""Files within a file: each becomes a section under its name."""

from dataclasses import replace

from services.knowledge.parsing.builder import DocumentBuilder, clean, one_line
from services.knowledge.parsing.dispatch import parse_member
from services.knowledge.parsing.document import FailureCode, ParseFailure, ParseLimits

# Reading goes on without a file that has one of these faults; any other says that the whole costs too much.
_LEFT_OUT = frozenset((FailureCode.ENCRYPTED, FailureCode.CORRUPT, FailureCode.EMPTY, FailureCode.UNSUPPORTED))


class Members:
    """Adds the files within a document to its builder. What can't be read of them is left out, with a warning."""

    def __init__(self, builder: DocumentBuilder, limits: ParseLimits) -> None:
        if not limits.nesting:
            raise nested_too_deep()
        self._builder = builder
        self._limits = limits
        self._failures: list[ParseFailure] = []
        self._bytes = 0
        self._read = 0

    def add(self, name: str, data: bytes) -> bool:
        """Adds a file's text and returns whether it has any. Raises `ParseFailure` when it costs too much."""
        name = one_line(clean(name))
        self._bytes += len(data)
        if self._bytes > self._limits.unpacked_bytes:
            raise unpacks_to_too_much(self._limits)
        try:
            document = parse_member(name, data, self.limits_left())
        except ParseFailure as failure:
            if failure.code not in _LEFT_OUT:
                raise
            self.leave_out(name, failure)
            return False
        self._read += 1
        self._builder.embed(name, document)
        return True

    def leave_out(self, name: str, failure: ParseFailure) -> None:
        self._failures.append(failure)
        self._builder.warnings.append(f"{one_line(clean(name))} was left out: {failure.message}")

    def require_some(self) -> None:
        """Raises `ParseFailure` when there were files and none could be read."""
        codes = {failure.code for failure in self._failures}
        if self._read or not codes:
            return
        code = codes.pop() if len(codes) == 1 else FailureCode.UNSUPPORTED
        raise ParseFailure(code, f"None of its {len(self._failures):,} files can be read. {self._failures[0].message}")

    def limits_left(self) -> ParseLimits:
        """What the next file may cost."""
        left = self._builder.limits_left()
        return replace(
            left, nesting=self._limits.nesting - 1, unpacked_bytes=max(0, self._limits.unpacked_bytes - self._bytes)
        )


def nested_too_deep() -> ParseFailure:
    return ParseFailure(FailureCode.TOO_LARGE, "Archives or messages lie too deep within each other. Unpack it first.")


def unpacks_to_too_much(limits: ParseLimits) -> ParseFailure:
    message = f"Its files unpack to more than {limits.unpacked_bytes // 2**20:,} MB. Split it and try again."
    return ParseFailure(FailureCode.TOO_LARGE, message)
