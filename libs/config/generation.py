"""The generation service's settings: which models there are, and which of them answers what."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, model_validator

from libs.config.section import Section

EXTRACTIVE = "extractive"
# Requested names that stand for no model in particular: what answers them is the routes' matter.
UNNAMED = ("default", "footnote")
# Weights that `footnote models install` fetches and the OpenVINO engine runs.
INSTALLABLE = ("qwen", "smollm2")
# What their makers say that they write.
LANGUAGES_OF: dict[str, Sequence[str]] = {
    "qwen": "en zh fr es pt de it ru ja ko vi th ar".split(),  # noqa: SIM905 - read as words
    "smollm2": ["en"],
}

# OpenAI's service tiers: what a model is there for, and what a request may ask for.
Latency = Literal["priority", "default", "flex"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]

_url: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


class GenerationModel(Section):
    """One model and its engine. Costs are US dollars for a million tokens; no `plans` means every plan.

    `weights` is a name that `footnote models install` knows, a GGUF file's path, or with transformers a folder of
    weights; an upstream has a `url` that ends in the API's version, `upstream_model` where it knows the model by
    another name than ours, and its key; `takes_top_k` says that it knows `top_k` and `repetition_penalty`, as vLLM
    does. `first_token_s` is how long others wait in its place for its first words. `languages` are the ISO 639-1 codes
    of what it writes well: those that are known of installable weights, otherwise any, unless named.
    """

    engine: Literal["extractive", "openvino", "transformers", "upstream"]
    weights: str = ""
    url: str = ""
    upstream_model: str = ""
    api_key: SecretStr = SecretStr("")
    context_tokens: int = Field(default=4096, ge=512)
    max_tokens: int | None = Field(default=None, ge=1)
    max_waiting: int = Field(default=32, ge=1)
    input_cost: float = Field(default=0, ge=0, allow_inf_nan=False)
    output_cost: float = Field(default=0, ge=0, allow_inf_nan=False)
    latency: Latency = "default"
    plans: list[str] = Field(default_factory=list[str])
    first_token_s: float | None = Field(default=None, gt=0)
    takes_top_k: bool = False
    languages: list[Annotated[str, Field(pattern="^[a-z]{2}$")]] = Field(default_factory=list[str])

    @property
    def written(self) -> list[str]:
        """The languages that it writes well; none where that isn't known."""
        return self.languages or list(LANGUAGES_OF.get(self.weights, ()))

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.engine in {"openvino", "transformers"} and not self.weights:
            raise ValueError(f"a model with the engine {self.engine!r} needs weights")
        if self.engine == "upstream":
            try:
                _url.validate_python(self.url)
            except ValidationError as error:
                # The address may hold a password, so it isn't repeated.
                raise ValueError("a model with the engine 'upstream' needs an http or https url") from error
        return self


class GenerationRoute(Section):
    """Which models answer a request, in order: the first route whose every condition holds decides.

    `requested` are the model names asked for. Prompt lengths are tokens of the first model. A model whose answer could
    cost more than `max_cost` US dollars is passed over; `max_tokens` bounds every answer of the route.
    """

    name: Name
    requested: list[Name] = Field(default=list(UNNAMED), min_length=1)
    min_prompt_tokens: int | None = Field(default=None, ge=1)
    max_prompt_tokens: int | None = Field(default=None, ge=1)
    latency: list[Latency] = Field(default_factory=list[Latency])
    plans: list[str] = Field(default_factory=list[str])
    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, ge=1)
    models: list[Name] = Field(min_length=1)


class Generation(Section):
    """`engine` and `upstream_*` make the models of the last route, which answers what `routes` leave over."""

    engine: Literal["auto", "extractive", "qwen", "smollm2", "upstream"]
    upstream_url: str
    upstream_model: str
    upstream_api_key: SecretStr
    max_waiting: int = Field(ge=1)
    context_tokens: int = Field(ge=512)
    models: dict[Name, GenerationModel]
    routes: list[GenerationRoute]

    @property
    def generator(self) -> str | None:
        """The model that `engine` names; `auto` is the one that is taken where it is installed."""
        if self.engine == "auto":
            return INSTALLABLE[0]
        if self.engine == EXTRACTIVE:
            return None
        return self.upstream_model if self.engine == "upstream" else self.engine

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.engine == "upstream" and not (self.upstream_url and self.upstream_model):
            raise ValueError("the engine 'upstream' needs upstream_url and upstream_model")
        known = {EXTRACTIVE, self.generator, *self.models} - {None}
        for reserved in UNNAMED:
            if reserved in self.models:
                raise ValueError(f"{reserved!r} can't be a model's name: routes answer it")
        names = [route.name for route in self.routes]
        for route in self.routes:
            if names.count(route.name) > 1:
                raise ValueError(f"two routes are called {route.name!r}")
            unknown = [model for model in route.models if model not in known]
            if unknown:
                raise ValueError(
                    f"the route {route.name!r} names {unknown[0]!r}, which isn't a model; "
                    f"there are: {', '.join(sorted(filter(None, known)))}"
                )
        return self
