"""`footnote bench generate`: a local model's speed beside what it is held to, all in one run."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import httpx
from rich.console import Console

from libs.clients.base import ServiceClient, service_http
from libs.clients.generation import GenerationClient
from libs.config.generation import EXTRACTIVE
from libs.config.settings import SERVICES, Settings, load_settings
from libs.contracts.completions import ChatMessageParam, CompletionRequest
from libs.security.keys import OPERATOR, USER_TOKENS, ensure_key_pairs
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsStore
from scripts.bench.answers import Answer, Prompts, Ratio, print_ratios
from scripts.bench.generate_floor import Floor, load_floor
from scripts.stage import free_base_port
from services.generation.engines.worker_engine import WorkerEngine
from services.generation.ports import Finished, GenerationRequest, Message, Sampling

ROUNDS = 5
STREAMS = 8
PROMPT_WORDS = 300
# Of an answer's prompt with its passages, as an engine is compared with `generate`.
READ_WORDS = 1_200
# Of a question without passages.
SHORT_PROMPT_WORDS = 40
OUT_TOKENS = 48
CONTEXT_TOKENS = 2048
# The service's name for the model.
SERVED = "measured"
POLL_S = 0.1
READY_S = 300.0

EngineKind = Literal["openvino", "transformers"]


async def bench_generate(
    console: Console,
    rounds: int = ROUNDS,
    model: str = "smollm2",
    *,
    with_floor: bool = True,
    prompt_words: int = PROMPT_WORDS,
    out_tokens: int = OUT_TOKENS,
) -> None:
    """Without `with_floor`, transformers' `generate` is left out, which takes longest."""
    settings = load_settings()
    weights = WeightsStore(settings.models_dir).locate(model)
    if with_floor and find_spec("gguf") is None:
        console.print("transformers' generate is left out: it reads GGUF with `pip install 'footnote[gpu]'`.")
        with_floor = False
    floor = await asyncio.to_thread(load_floor, weights) if with_floor else None
    kind = engine_of(floor)
    engine = _engine(kind, weights, model)
    try:
        await engine.start()
        bench = _Bench(console, engine, rounds, prompt_words, out_tokens, Prompts(prompt_words))
        ratios = await bench.beside_generate(floor, Prompts(READ_WORDS)) if floor else []
        ratios += await bench.streams(floor)
        ratios.append(await bench.same_prefix())
        async with _service(settings, kind, model) as service:
            ratios.append(await bench.over_http(service))
    finally:
        await engine.close()
    print_ratios(console, f"{type(engine).__name__}, {model}, {rounds} rounds", ratios)


@dataclass(frozen=True)
class _Bench:
    console: Console
    engine: WorkerEngine
    rounds: int
    prompt_words: int
    out_tokens: int
    prompts: Prompts

    async def beside_generate(self, floor: Floor, prompts: Prompts) -> list[Ratio]:
        pairs: list[tuple[Answer, Answer]] = []
        for _ in range(self.rounds):
            ours = await self._answer(prompts.one())
            pairs.append((ours, await asyncio.to_thread(floor.answer, prompts.one(), self.out_tokens)))
        for name, part in (("engine", 0), ("generate", 1)):
            answers = [pair[part] for pair in pairs]
            self._print_rate(f"{name}, prompt", [answer.prompt_per_s for answer in answers])
            self._print_rate(f"{name}, out", [answer.out_per_s for answer in answers])
        return [
            Ratio(
                "prompt tokens/s beside generate's",
                2,
                [ours.prompt_per_s / plain.prompt_per_s for ours, plain in pairs],
            ),
            Ratio("tokens/s out beside generate's", 1.7, [ours.out_per_s / plain.out_per_s for ours, plain in pairs]),
        ]

    async def streams(self, floor: Floor | None) -> list[Ratio]:
        """Tokens a second of whole answers, their prompts unseen."""
        rates: dict[str, list[float]] = {label: [] for label in ("1 short", "8 short", "1 long", "8 long", "8 sharing")}
        short = Prompts(SHORT_PROMPT_WORDS)
        for _ in range(self.rounds):
            context = self.prompts.context()
            streams = {
                "1 short": [short.one()],
                "8 short": [short.one() for _ in range(STREAMS)],
                "1 long": [self.prompts.one()],
                "8 long": [self.prompts.one() for _ in range(STREAMS)],
                "8 sharing": [Prompts.about(context, number) for number in range(STREAMS)],
            }
            for label, prompts in streams.items():
                rates[label].append(await self._together(prompts))
        for label, measured in rates.items():
            self._print_rate(f"{label}, answers with their prompts", measured)
            share = (
                floor.bandwidth_share(sum(measured) / self.rounds, int(label[0]), self.prompt_words) if floor else None
            )
            if share is not None:
                self.console.print(f"  {share:.1%} of the memory's bandwidth", highlight=False)
        return [
            Ratio(
                f"8 distinct prompts of {SHORT_PROMPT_WORDS} words beside one",
                1.5,
                _quotients(rates, "8 short", "1 short"),
            ),
            Ratio(
                f"8 sharing a context of {self.prompt_words} words beside one",
                2,
                _quotients(rates, "8 sharing", "1 long"),
            ),
            Ratio(
                f"8 distinct prompts of {self.prompt_words} words beside one", 1, _quotients(rates, "8 long", "1 long")
            ),
        ]

    async def same_prefix(self) -> Ratio:
        seen: list[float] = []
        for _ in range(self.rounds):
            context = self.prompts.context()
            first = await self._answer(Prompts.about(context, 1), 1)
            second = await self._answer(Prompts.about(context, 2), 1)
            seen.append(second.first_s / first.first_s)
        return Ratio("first token of a known prefix beside an unknown", 0.5, seen, at_most=True)

    async def over_http(self, service: GenerationClient) -> Ratio:
        overhead: list[float] = []
        await self._over_http(service, self.prompts.one())
        for _ in range(self.rounds):
            direct = await self._answer(self.prompts.one())
            seconds, tokens = await self._over_http(service, self.prompts.one())
            overhead.append(seconds / tokens / (direct.total_s / direct.tokens))
        return Ratio("an answer over HTTP beside the engine's own", 1.05, overhead, at_most=True)

    async def _answer(self, prompt: str, tokens: int | None = None) -> Answer:
        sampling = Sampling(max_tokens=tokens or self.out_tokens, temperature=0)
        request = GenerationRequest((Message("user", prompt),), sampling)
        started = time.perf_counter()
        first_s = 0.0
        async for event in self.engine.generate(request):
            first_s = first_s or time.perf_counter() - started
            if isinstance(event, Finished):
                total_s = time.perf_counter() - started
                return Answer(event.prompt_tokens, event.completion_tokens, first_s, total_s)
        raise AssertionError("an engine ends with Finished")

    async def _together(self, prompts: Sequence[str]) -> float:
        started = time.perf_counter()
        answers = await asyncio.gather(*(self._answer(prompt) for prompt in prompts))
        return sum(answer.tokens for answer in answers) / (time.perf_counter() - started)

    async def _over_http(self, service: GenerationClient, prompt: str) -> tuple[float, int]:
        """Seconds and tokens of an answer."""
        request = CompletionRequest(
            model=SERVED,
            messages=[ChatMessageParam(role="user", content=prompt)],
            max_tokens=self.out_tokens,
            temperature=0,
        )
        started = time.perf_counter()
        tokens = 0
        async for chunk in service.stream(request):
            tokens = chunk.usage.completion_tokens if chunk.usage else tokens
        return time.perf_counter() - started, tokens

    def _print_rate(self, label: str, rates: Sequence[float]) -> None:
        self.console.print(f"{label}: {sorted(rates)[len(rates) // 2]:,.1f} tokens/s", highlight=False)


def _quotients(rates: dict[str, list[float]], of: str, by: str) -> list[float]:
    return [one / other for one, other in zip(rates[of], rates[by], strict=True)]


def engine_of(floor: Floor | None) -> EngineKind:
    """The one that serves these weights here: transformers where there is a GPU, else OpenVINO."""
    return "transformers" if floor and floor.on_gpu else "openvino"


def _engine(kind: EngineKind, weights: Path, model: str) -> WorkerEngine:
    from services.generation.engines.openvino import OpenVinoEngine
    from services.generation.engines.transformers import TransformersEngine

    options: dict[str, Any] = {"context_tokens": CONTEXT_TOKENS, "max_waiting": STREAMS, "max_running": STREAMS}
    if kind == "transformers":
        return TransformersEngine(weights, model_id=model, **options)
    return OpenVinoEngine(weights, model_id=model, **options)


def service_environment(kind: EngineKind, model: str) -> dict[str, str]:
    """The settings of a service whose model `SERVED` is what the bench's own engine is."""
    served = {"engine": kind, "weights": model, "context_tokens": CONTEXT_TOKENS, "max_waiting": STREAMS}
    return {
        "FOOTNOTE_GENERATION__ENGINE": EXTRACTIVE,
        "FOOTNOTE_GENERATION__MODELS": json.dumps({SERVED: served}),
        "FOOTNOTE_GENERATION__ROUTES": "[]",
    }


@asynccontextmanager
async def _service(settings: Settings, kind: EngineKind, model: str) -> AsyncGenerator[GenerationClient]:
    """The generation service alone, in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="footnote-") as home:
        own = settings.model_copy(update={"home": Path(home), "base_port": free_base_port()})
        ensure_key_pairs(own.secrets_dir, [*SERVICES, OPERATOR, USER_TOKENS])
        environment = {
            **os.environ,
            "FOOTNOTE_HOME": home,
            "FOOTNOTE_BASE_PORT": str(own.base_port),
            "FOOTNOTE_MODELS_DIR": str(settings.models_dir.absolute()),
            **service_environment(kind, model),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.generation", env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with service_http() as http, asyncio.timeout(READY_S):
                await _until_ready(process, http, own.url("generation"))
            async with service_http() as http:
                tokens = ServiceTokens(OPERATOR, own.secrets_dir)
                yield GenerationClient(ServiceClient("generation", own.url("generation"), tokens, http))
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _until_ready(process: asyncio.subprocess.Process, http: httpx.AsyncClient, url: str) -> None:
    while process.returncode is None:
        try:
            if (await http.get(f"{url}/health/ready")).is_success:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(POLL_S)
    raise RuntimeError(f"The generation service ended with {process.returncode}; its last words are on standard error.")
