"""What no request and no route can lift: applied last, to every request of every engine."""

from libs.config.generation import GenerationModel, GenerationRoute
from libs.contracts.completions import MAX_STOP_STRINGS, CompletionRequest
from services.generation.ports import Sampling

MAX_TOKENS_UNLESS_ASKED = 512
MOST_TOKENS = 8192
TEMPERATURE_UNLESS_ASKED = 0.7
MAX_TEMPERATURE = 1.0
# Below it the likeliest token always comes anyway, and dividing by it overflows what engines compute with.
MIN_TEMPERATURE = 1e-3
MIN_TOP_P = 0.1
MAX_TOP_K = 100
MIN_REPETITION_PENALTY = 1.0
MAX_REPETITION_PENALTY = 1.5

# Where a model goes on as somebody else. The first are templates' own words, which no honest answer has; of the plain
# ones only those that open a line: measured in docs/decisions/0025-routing.md.
ROLE_MARKERS = (
    "<|im_end|>",
    "<|im_start|>",
    "\nUser:",
    "\nAssistant:",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<start_of_turn>",
    "<end_of_turn>",
)


def token_budget(request: CompletionRequest, model: GenerationModel, route: GenerationRoute) -> int:
    """The longest answer: what was asked for, within what the route and the model grant."""
    asked = request.max_completion_tokens or request.max_tokens or MAX_TOKENS_UNLESS_ASKED
    return min(asked, *(limit for limit in (route.max_tokens, model.max_tokens, MOST_TOKENS) if limit is not None))


def limited(request: CompletionRequest, model: GenerationModel, route: GenerationRoute) -> Sampling:
    """The request's sampling within the limits. Top-k of 0 or -1 is none, as vLLM has it."""
    asked = TEMPERATURE_UNLESS_ASKED if request.temperature is None else request.temperature
    penalty = MIN_REPETITION_PENALTY if request.repetition_penalty is None else request.repetition_penalty
    top_p = 1.0 if request.top_p is None else request.top_p
    return Sampling(
        max_tokens=token_budget(request, model, route),
        temperature=min(asked, MAX_TEMPERATURE) if asked >= MIN_TEMPERATURE else 0.0,
        top_p=max(top_p, MIN_TOP_P),
        top_k=min(request.top_k, MAX_TOP_K) if request.top_k and request.top_k > 0 else None,
        repetition_penalty=min(max(penalty, MIN_REPETITION_PENALTY), MAX_REPETITION_PENALTY),
        stop=_stop_strings(request.stop or [], model),
        seed=request.seed,
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
    )


def unsent_markers(sampling: Sampling, model: GenerationModel) -> tuple[str, ...]:
    """The role markers that the engine isn't asked to stop at, so that its text must be watched for them."""
    if model.engine == "extractive":
        return ()
    return tuple(marker for marker in ROLE_MARKERS if marker not in sampling.stop)


def _stop_strings(asked: list[str], model: GenerationModel) -> tuple[str, ...]:
    if model.engine == "extractive":  # what it quotes is whole sentences of documents; it can't go on as anybody
        return tuple(asked)
    both = tuple(dict.fromkeys((*asked, *ROLE_MARKERS)))
    # OpenAI's own API, and vendors after it, refuse more.
    return both[:MAX_STOP_STRINGS] if model.engine == "upstream" else both
