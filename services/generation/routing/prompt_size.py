"""How long a prompt is: a bound that costs nothing where it decides, else the model's own tokenizer."""

import asyncio
from collections.abc import Sequence

from services.generation.ports import EngineUnavailableError, Message
from services.generation.routing.served_model import ServedModel

# Of a chat template, around each message and at the beginning, where some say who the model is.
TEMPLATE_TOKENS = 8
MOST_TEMPLATE_START_TOKENS = 32
# English has about four characters to a token, dense code about three.
CHARACTERS_PER_TOKEN = 4
# Longer than this many characters for each token of a context, a prompt isn't worth a tokenizer's time: none fits.
HOPELESS_CHARACTERS = 64
COUNT_TIMEOUT_S = 2.0
# Before a number that is estimated.
ABOUT = "about "


class PromptSize:
    """Of one request, each model's count asked for at most once."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._texts = [message.content for message in messages]
        self._characters = sum(map(len, self._texts))
        self._counted: dict[str, int] = {}
        self._template = TEMPLATE_TOKENS * len(self._texts)
        # No tokenizer makes more tokens of a text than it has bytes.
        self.most = (
            MOST_TEMPLATE_START_TOKENS
            + self._template
            + sum(len(text.encode("utf-8", "replace")) for text in self._texts)
        )

    def hopeless(self, model: ServedModel) -> bool:
        return self._characters > HOPELESS_CHARACTERS * model.context_length

    @property
    def estimate(self) -> int:
        return self._template + self._characters // CHARACTERS_PER_TOKEN

    async def tokens(self, model: ServedModel) -> int:
        """As the model counts; estimated where it can't be asked, or the prompt is hopelessly long for it."""
        if model.name not in self._counted:
            counted = None if self.hopeless(model) else await self._ask(model)
            self._counted[model.name] = self.estimate if counted is None else counted
        return self._counted[model.name]

    async def at_least(self, tokens: int, model: ServedModel) -> bool:
        return self.most >= tokens and await self.tokens(model) >= tokens

    async def _ask(self, model: ServedModel) -> int | None:
        if model.state != "ready":
            return None
        try:
            async with asyncio.timeout(COUNT_TIMEOUT_S):
                whole = await model.count_prompt(self._messages)
                return self._template + await model.count_tokens(self._texts) if whole is None else whole
        except (EngineUnavailableError, TimeoutError):
            return None
