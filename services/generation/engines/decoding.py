"""From token ids to text that may be shown: whole characters only, and nothing of a stop string."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.generation.ports import TokenLogprob

_REPLACEMENT = "\ufffd"
# An unfinished character is at most three bytes, each decoded as one replacement; more are bytes of no character.
_LONGEST_UNFINISHED = 3


@dataclass(frozen=True)
class DecodedToken:
    """`logprob` where it was asked for."""

    id: int
    logprob: TokenLogprob | None = None


@dataclass(frozen=True)
class Shown:
    """Text that may be shown, and the tokens that end in it."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


class AnswerText:
    """An answer's text as its tokens come, up to the first stop string.

    A token's logprob comes with the last of its characters: not while they are held back, and not at all where a stop
    string cuts them off. The tokens of one character come together, with that character.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stop: Sequence[str]) -> None:
        self._detokenizer = Detokenizer(decode)
        self._stop = StopStrings(stop)
        self._unfinished: list[TokenLogprob] = []
        self._unshown: deque[tuple[int, TokenLogprob]] = deque()
        self._decoded = self._shown = 0  # characters

    @property
    def stopped(self) -> bool:
        return self._stop.met

    def push(self, tokens: Iterable[DecodedToken]) -> Shown:
        text = ""
        for token in tokens:
            if self.stopped:
                break
            if token.logprob:
                self._unfinished.append(token.logprob)
            piece = self._detokenizer.push([token.id])
            self._place(piece)
            text += self._stop.push(piece)
        return self._show(text)

    def close(self) -> Shown:
        """What was held back."""
        if self.stopped:
            return Shown("")
        piece = self._detokenizer.close()
        self._place(piece)
        text = self._stop.push(piece)
        return self._show(text if self.stopped else text + self._stop.close())

    def _place(self, piece: str) -> None:
        self._decoded += len(piece)
        if piece:
            self._unshown.extend((self._decoded, logprob) for logprob in self._unfinished)
            self._unfinished.clear()

    def _show(self, text: str) -> Shown:
        self._shown += len(text)
        logprobs: list[TokenLogprob] = []
        while self._unshown and self._unshown[0][0] <= self._shown:
            logprobs.append(self._unshown.popleft()[1])
        return Shown(text, tuple(logprobs))


class Detokenizer:
    """Decodes a growing sequence of ids piece by piece.

    New ids are decoded together with those before them, because a token's text depends on its neighbours: spaces,
    characters of several tokens.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._window: list[int] = []
        self._shown = 0  # characters of the window's text
        self._settled = 0  # ids of the window whose text ended with a whole character

    def push(self, ids: Sequence[int]) -> str:
        """The text that `ids` complete; "" while a character is still unfinished."""
        self._window += ids
        text = self._decode(self._window)
        whole = text.rstrip(_REPLACEMENT)
        if len(text) - len(whole) > _LONGEST_UNFINISHED:
            whole = text
        piece = whole[self._shown :]
        self._shown = max(self._shown, len(whole))
        if whole == text:
            self._window, self._settled = self._window[self._settled :], len(self._window) - self._settled
            self._shown = len(self._decode(self._window))
        return piece

    def close(self) -> str:
        """What is left: an unfinished character as U+FFFD."""
        return self._decode(self._window)[self._shown :] if self._window else ""


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
