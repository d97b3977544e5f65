"""What embedding answers beside OpenAI's protocol: token vectors for Footnote's services, reranking, entailment."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.openai import EmbeddingUsage, Model


class TokenVectorsRequest(BaseModel):
    """`role` says whether the texts ask or answer: the two sides of late interaction have different forms."""

    model_config = ConfigDict(extra="forbid")

    model: str = "default"
    texts: list[str]
    role: Literal["query", "passage"]


class TokenVectorsItem(BaseModel):
    """base64 of the vector as little-endian float32, and of the tokens in libs.inference.late_interaction's form."""

    vector: str
    tokens: str


class TokenVectorsResponse(BaseModel):
    """`revision` names the model and the form of the tokens; those of two revisions can't be compared.

    `space` names what the vectors may be compared with: the model's weights, whatever runs them and how exactly.
    `token_dimension` is 0 where the model has no token vectors: every item's tokens are empty then.
    """

    data: list[TokenVectorsItem]
    model: str
    revision: str
    space: str
    token_dimension: int
    usage: EmbeddingUsage


class EmbeddingModelInfo(Model):
    """`space` as in TokenVectorsResponse. `default`: what new passages are to be embedded with."""

    dimension: int
    max_tokens: int
    space: str
    default: bool


class EmbeddingModelList(BaseModel):
    """The default first."""

    object: Literal["list"] = "list"
    data: list[EmbeddingModelInfo]


class RerankRequest(BaseModel):
    """text-embeddings-inference's body and a model's name. `raw_scores` leaves the scores at -1 to 1, else 0 to 1."""

    model_config = ConfigDict(extra="forbid")

    model: str = "default"
    query: str
    texts: list[str] = Field(min_length=1)
    raw_scores: bool = False
    return_text: bool = False
    truncate: bool = True


class Rank(BaseModel):
    """`index` is the text's place in the request; `text` is there where it was asked for."""

    index: int
    score: float
    text: str | None = None


Pair = tuple[str, str]


class PredictRequest(BaseModel):
    """text-embeddings-inference's body and a model's name: a pair of premise and hypothesis, or a batch of them.

    Scores are always probabilities: `raw_scores` may only say so.
    """

    model_config = ConfigDict(extra="forbid")

    model: str = "default"
    inputs: Pair | list[Pair]
    raw_scores: Literal[False] = False
    truncate: bool = True


class Prediction(BaseModel):
    """`score` is the probability of the label, 0 to 1."""

    score: float
    label: str
