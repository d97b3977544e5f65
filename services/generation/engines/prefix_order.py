"""Which prompt should wait until another's beginning, which it shares, has been computed."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Computing fewer tokens again costs less than a wait.
_WORTH_WAITING = 64
_REMEMBERED = 32

_Ids = NDArray[np.int64]


class PrefixOrder:
    """A prefix cache knows what was computed, not what is being computed: eight prompts with one context that come at
    the same moment would each compute it. So one goes first.
    """

    def __init__(self) -> None:
        self._computing: dict[int, _Ids] = {}
        self._computed: deque[_Ids] = deque(maxlen=_REMEMBERED)

    def start(self, request_id: int, prompt: Sequence[int]) -> bool:
        """Whether the prompt may be computed now: no other one is about to leave it much in the cache."""
        ids = np.array(prompt, np.int64)
        cached = max((_common(ids, other) for other in self._computed), default=0)
        if any(_common(ids, other) >= cached + _WORTH_WAITING for other in self._computing.values()):
            return False
        self._computing[request_id] = ids
        return True

    def computed(self, request_id: int) -> None:
        """Says that a prompt is in the cache; more than once is no harm."""
        ids = self._computing.pop(request_id, None)
        if ids is not None:
            self._computed.append(ids)

    def dropped(self, request_id: int) -> None:
        """Says that a prompt won't be computed."""
        self._computing.pop(request_id, None)


def _common(one: _Ids, other: _Ids) -> int:
    """How many tokens both begin with."""
    length = min(len(one), len(other))
    differ = np.flatnonzero(one[:length] != other[:length])
    return int(differ[0]) if len(differ) else length
