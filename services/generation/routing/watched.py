"""An answer's events up to the first role marker, for engines that can't be asked to stop at all of them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from services.generation.engines.decoding import StopStrings
from services.generation.ports import Event, Finished, GenerationRequest, TextDelta, TokenLogprob
from services.generation.routing.prompt_size import PromptSize
from services.generation.routing.served_model import ServedModel


async def watched(
    events: AsyncGenerator[Event], markers: Sequence[str], request: GenerationRequest, model: ServedModel
) -> AsyncGenerator[Event]:
    """`events`, ended at a marker with the tokens counted up to there. Text that may begin one is held back."""
    stop, said = StopStrings(markers), ""
    waiting: tuple[TokenLogprob, ...] = ()
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                if held := stop.close():
                    yield TextDelta(held, waiting)
                yield event
                return
            waiting += event.logprobs
            if text := stop.push(event.text):
                said += text
                yield TextDelta(text, waiting)
                waiting = ()
            if stop.met:
                break
    prompt = await PromptSize(request.messages).tokens(model)
    yield Finished("stop", prompt, await model.count_tokens([said]))
