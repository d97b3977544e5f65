"""One generation: its text as it comes, and what it used."""

import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from libs.clients.generation import GenerationClient
from libs.contracts.completions import FAILURES, CompletionRequest, Served
from services.chat.prompt import estimated_tokens
from services.chat.quota import Usage
from services.chat.safety.personal.masking import StandIns

DEFAULT = "default"
EXTRACTIVE = "extractive"
LENGTH = "length"
_WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")


class Generation:
    """With `stand_ins` the engine reads and writes names in place of personal data.

    `finish_reason` is None until the engine has ended by itself, `served` until its first words are there. `begun` is
    called with its first words, when the model that says them is known. `paused_s` is how long its reader was busy with
    what came, in seconds.
    """

    begun: Callable[[], None] | None = None
    paused_s: float = 0.0

    def __init__(
        self, client: GenerationClient, request: CompletionRequest, plan: str | None, stand_ins: StandIns | None = None
    ) -> None:
        self._client = client
        self._request = stand_ins.hidden_in(request) if stand_ins else request
        self._stand_ins = stand_ins
        self._plan = plan
        self._tokens_seen = 0
        self._counted: Usage | None = None
        self.model = request.model
        self.finish_reason: str | None = None
        self.served: Served | None = None

    def deltas(self) -> AsyncGenerator[str]:
        """Raises FootnoteError; closing it cancels the generation."""
        return self._stand_ins.shown_in(self._written()) if self._stand_ins else self._written()

    async def _written(self) -> AsyncGenerator[str]:
        async with aclosing(self._client.stream(self._request, plan=self._plan)) as chunks:
            async for chunk in chunks:
                self.model = chunk.model
                self.served = chunk.footnote or self.served
                if chunk.usage:
                    self._counted = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens, chunk.model)
                for choice in chunk.choices:
                    self.finish_reason = choice.finish_reason or self.finish_reason
                    if choice.delta.content:
                        if not self._tokens_seen and self.begun:
                            self.begun()
                        self._tokens_seen += max(1, len(_WORD_OR_SIGN.findall(choice.delta.content)))
                        given = time.perf_counter()
                        yield choice.delta.content
                        self.paused_s += time.perf_counter() - given

    def replaced(self) -> bool:
        """Whether a model that should have answered couldn't."""
        return self.served is not None and any(skipped.reason in FAILURES for skipped in self.served.skipped)

    def routing(self) -> dict[str, Any]:
        """For the trace: why this model."""
        return {} if self.served is None else self.served.model_dump(mode="json", exclude={"served_by"})

    def chosen(self) -> bool:
        """Whether the text's sentences were picked for the question."""
        return self.model == EXTRACTIVE

    def cut_off(self) -> bool:
        """Whether the token limit ended the text."""
        return self.finish_reason == LENGTH

    @property
    def usage(self) -> Usage:
        """As the engine counted it; of one that was cut off, an estimate.

        Most engines send about a token at a time; of those that send whole sentences, words and signs count.
        """
        if self._counted:
            return self._counted
        prompt = sum(estimated_tokens(message.content) for message in self._request.messages)
        return Usage(prompt if self._tokens_seen else 0, self._tokens_seen, self.model)
