from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken

from services.generation.engines import worker_protocol as protocol
from services.generation.engines.decoding import DecodedToken
from services.generation.engines.gguf import ControlToken
from services.generation.engines.token_sampling import TokenSampler
from services.generation.engines.transformers_model import LoadedModel, control_tokens, load_model
from services.generation.engines.transformers_worker import STEP_TOKENS, TransformersDecoder
from tests.tiny_language_model import CONTEXT

SLOTS = 3


@pytest.fixture(scope="module")
def loaded(tiny_language_model: Path) -> LoadedModel:
    return load_model(tiny_language_model, torch.device("cpu"), torch.float32)


@pytest.fixture
def decoder(loaded: LoadedModel) -> TransformersDecoder:
    return TransformersDecoder(loaded, context_tokens=CONTEXT, max_running=SLOTS)


def command(request_id: int, **sampling: object) -> protocol.Generate:
    plain = {"max_tokens": 12, "temperature": 0, "top_p": 1, "top_k": None, "repetition_penalty": 1}
    return protocol.Generate.model_validate(
        {"id": request_id, "messages": [], "stop": [], "seed": 1, "logprobs": None, **plain, **sampling}
    )


def prompt(number: int, length: int) -> list[int]:
    return [2 + (number * 31 + at * at) % 250 for at in range(length)]


def written(decoder: TransformersDecoder, *requests: tuple[protocol.Generate, list[int]]) -> list[list[DecodedToken]]:
    for generate, ids in requests:
        decoder.add(generate, ids)
    while decoder.busy:
        decoder.step()
    answers = [list(decoder.read(generate.id).tokens) for generate, _ in requests]
    for generate, _ in requests:
        decoder.drop(generate.id)
    return answers


def ids(tokens: list[DecodedToken]) -> list[int]:
    return [token.id for token in tokens]


def expected(loaded: LoadedModel, start: list[int], **options: object) -> list[int]:
    """By transformers' own `generate`."""
    output = loaded.model.generate(torch.tensor([start]), max_new_tokens=12, do_sample=False, **options)
    return output[0, len(start) :].tolist()


def test_answers_are_those_of_generate_whatever_is_decoded_beside_them(
    decoder: TransformersDecoder, loaded: LoadedModel
):
    """Of 1 token, of one more than a step takes, more of them than there are slots."""
    prompts = [prompt(number, length) for number, length in enumerate((5, 1, STEP_TOKENS + 1, 40, 300))]
    together = written(decoder, *[(command(number), ids) for number, ids in enumerate(prompts)])
    assert [ids(answer) for answer in together] == [expected(loaded, start) for start in prompts]


def test_a_known_prefix_is_not_computed_again(decoder: TransformersDecoder, loaded: LoadedModel):
    shared = prompt(7, 2 * STEP_TOKENS - 100)
    written(decoder, (command(0), [*shared, 9]))
    prompts = [[*shared, 9], [*shared, 10, 11], [*shared[:300], 4, 5], shared]
    for number, ids_ in enumerate(prompts):
        decoder.add(command(number), ids_)
    decoder.step()
    assert len(decoder.read(0).tokens) == 1  # one step, where the whole prompt takes two
    while decoder.busy:
        decoder.step()
    rest = [list(decoder.read(number).tokens) for number in range(1, 4)]
    assert [ids(answer) for answer in rest] == [expected(loaded, start) for start in prompts[1:]]


def test_a_step_reads_at_most_256_tokens_of_a_prompt_and_others_go_on(decoder: TransformersDecoder):
    decoder.add(command(0), prompt(1, 5))
    decoder.step()
    decoder.add(command(1), prompt(2, 3 * STEP_TOKENS // 2))
    decoder.step()
    assert len(decoder.read(0).tokens) == 2
    assert not decoder.read(1).tokens


def test_a_dropped_request_frees_its_place_before_the_next_step(decoder: TransformersDecoder):
    for number in range(SLOTS + 2):
        decoder.add(command(number, max_tokens=400), prompt(number, 5))
    decoder.step()
    for number in range(SLOTS + 1):
        decoder.drop(number)
    for _ in range(3):
        decoder.step()
    assert decoder.read(SLOTS + 1).tokens
    decoder.drop(SLOTS + 1)
    decoder.drop(99)
    assert not decoder.busy


def test_sampling(decoder: TransformersDecoder, loaded: LoadedModel):
    start = prompt(3, 20)
    greedy = expected(loaded, start)

    def answer(**sampling: object) -> list[int]:
        return ids(written(decoder, (command(0, **sampling), start))[0])

    warm = {"temperature": 1.0}
    assert answer(**warm, top_k=1) == greedy
    assert answer(**warm, seed=4) == answer(**warm, seed=4)
    assert len({tuple(answer(**warm, seed=seed)) for seed in range(4)}) > 1
    assert answer(**warm, top_p=0.0001) == greedy
    assert answer(repetition_penalty=1.8) == expected(loaded, start, repetition_penalty=1.8) != greedy
    beside = written(decoder, *[(command(n, **warm, seed=4), start) for n in range(SLOTS)])
    assert {tuple(ids(tokens)) for tokens in beside} == {tuple(answer(**warm, seed=4))}


def test_an_answer_whose_probabilities_are_none_costs_no_other(decoder: TransformersDecoder, loaded: LoadedModel):
    start = prompt(3, 20)
    decoder.add(command(0), start)
    decoder.add(command(1, temperature=1e-300), start)
    while decoder.busy:
        decoder.step()
    assert decoder.read(1).failed == "The model's numbers make no probabilities."
    assert ids(list(decoder.read(0).tokens)) == expected(loaded, start)


def test_logprobs_are_of_the_model_and_ordered(decoder: TransformersDecoder):
    (tokens,) = written(decoder, (command(0, logprobs=3, temperature=1.0, seed=2), prompt(4, 9)))
    for token in tokens:
        assert token.logprob
        assert token.logprob.token == decoder.decode([token.id])
        values = [logprob for _, logprob in token.logprob.top]
        assert values == sorted(values, reverse=True)
        assert len(values) == 3
        assert token.logprob.logprob <= values[0] <= 0
    (plain,) = written(decoder, (command(1), prompt(4, 9)))
    assert all(token.logprob is None for token in plain)


def test_an_answer_ends_at_its_limit_and_at_a_control_token(decoder: TransformersDecoder, loaded: LoadedModel):
    decoder.add(command(0, max_tokens=2), prompt(5, 5))
    while decoder.busy:
        decoder.step()
    progress = decoder.read(0)
    assert (len(progress.tokens), progress.ended) == (2, "length")
    ends = ids(list(progress.tokens))[0]
    stopping = TransformersDecoder(replace(loaded, end_ids=frozenset([ends])), context_tokens=CONTEXT, max_running=1)
    stopping.add(command(0), prompt(5, 5))
    stopping.step()
    assert stopping.read(0).ended == "stop"


def test_a_device_that_gives_up_ends_the_step(decoder: TransformersDecoder, monkeypatch: pytest.MonkeyPatch):
    """A worker that went on would fail every later answer; one that ends is started again."""

    def gives_up(*_: object) -> int:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(TokenSampler, "choose", gives_up)
    decoder.add(command(0), prompt(5, 5))
    with pytest.raises(RuntimeError, match="CUDA error"):
        decoder.step()


def test_an_added_token_that_is_not_special_is_part_of_the_answer(tiny_language_model: Path, loaded: LoadedModel):
    """Qwen3's `<think>` is one, and its first word."""
    start = prompt(5, 5)
    first = expected(loaded, start)[0]
    text = loaded.tokenizer.convert_ids_to_tokens(first)
    thinking = load_model(tiny_language_model, torch.device("cpu"), torch.float32)
    thinking.tokenizer.add_tokens([AddedToken(text, special=False)])
    thinking = replace(thinking, control_tokens=control_tokens(thinking.tokenizer))
    assert ControlToken(first, text, special=False) in thinking.control_tokens
    decoder = TransformersDecoder(thinking, context_tokens=CONTEXT, max_running=1)
    assert ids(written(decoder, (command(0), start))[0]) == expected(loaded, start)


@pytest.fixture
def broken(tiny_language_model: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "broken"
    copy.mkdir()
    for path in tiny_language_model.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("config.json", None, r"no config\.json"),
        ("chat_template.jinja", None, "no chat template"),
        (
            "config.json",
            (
                '"num_hidden_layers": 2',
                '"num_hidden_layers": 2, "layer_types": ["sliding_attention", "full_attention"]',
            ),
            "sliding_attention",
        ),
    ],
)
def test_a_folder_that_cannot_be_served_is_named(broken: Path, file: str, change: tuple[str, str] | None, message: str):
    path = broken / file
    if change:
        path.write_text(path.read_text().replace(*change))
    else:
        path.unlink()
    with pytest.raises(ValueError, match=message) as refused:
        load_model(broken, torch.device("cpu"), torch.float32)
    assert str(broken) in str(refused.value)


def test_pickled_weights_are_never_read(broken: Path):
    (broken / "model.safetensors").unlink()
    (broken / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(OSError, match="safetensors"):
        load_model(broken, torch.device("cpu"), torch.float32)
