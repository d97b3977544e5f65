"""The generation service's models and routes in force, as it tells the operator."""

from pydantic import BaseModel


class ModelReport(BaseModel):
    """`state` is loading, ready or failed, `breaker` closed, open or half-open; costs as in the settings. No keys."""

    name: str
    engine: str
    state: str
    problem: str | None
    breaker: str
    in_flight: int
    max_waiting: int
    context_tokens: int
    latency: str
    plans: list[str]
    input_cost: float
    output_cost: float


class RouteReport(BaseModel):
    """`when` says in words what a request must be, beside asking for one of `requested`."""

    name: str
    requested: list[str]
    when: str
    models: list[str]


class RoutingReport(BaseModel):
    """`problem` says why the newest settings aren't in force, where they aren't."""

    models: list[ModelReport]
    routes: list[RouteReport]
    problem: str | None


class Writer(BaseModel):
    """A model, and the ISO 639-1 codes of the languages that it writes well; none where that isn't known.

    `upstream`: it runs on another server, and isn't one of the small ones that can be installed here.
    """

    id: str
    languages: list[str]
    upstream: bool = False


class WriterList(BaseModel):
    models: list[Writer]
