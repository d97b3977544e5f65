"""From token ids to text that may be shown: whole characters only, and nothing of a stop string."""

from collections.abc import Callable, Sequence

_UNFINISHED = "\ufffd"
# A character is at most four bytes, so at most four byte tokens; more are bytes that never become one.
_LONGEST_UNFINISHED = 8


class Detokenizer:
    """Decodes a growing sequence of ids piece by piece.

    Each piece is decoded together with the one before it, because a token's text depends on its neighbours (spaces,
    characters of several tokens).
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._before: list[int] = []
        self._pending: list[int] = []

    def push(self, ids: Sequence[int]) -> str:
        """The text that `ids` complete; "" while a character is still unfinished."""
        self._pending += ids
        return self._take(force=len(self._pending) > _LONGEST_UNFINISHED)

    def close(self) -> str:
        """What is left, an unfinished character as U+FFFD."""
        return self._take(force=True)

    def _take(self, *, force: bool) -> str:
        if not self._pending:
            return ""
        text = self._decode([*self._before, *self._pending])
        if text.endswith(_UNFINISHED) and not force:
            return ""
        text = text[len(self._decode(self._before)) :] if self._before else text
        self._before, self._pending = self._pending, []
        return text


class StopStrings:
    """Lets text through up to the first stop string, holding back what may be the start of one."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [string for string in stop if string]
        self._held = ""
        self.met = False

    def push(self, text: str) -> str:
        """The text that is safe to show; sets `met` where a stop string came."""
        if not self._stop:
            return text
        text = self._held + text
        ends = [at for at in map(text.find, self._stop) if at >= 0]
        if ends:
            self.met, self._held = True, ""
            return text[: min(ends)]
        keep = max(self._overlap(text, string) for string in self._stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def close(self) -> str:
        """What was held back for a stop string that didn't come."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _overlap(text: str, string: str) -> int:
        """The length of the longest end of `text` that begins `string`."""
        longest = min(len(text), len(string) - 1)
        return next((size for size in range(longest, 0, -1) if text.endswith(string[:size])), 0)
