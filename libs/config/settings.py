"""Layered settings: config/base.yaml, then config/<environment>.yaml, then environment variables."""

import hashlib
import os
import tempfile
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from libs.config.generation import Generation
from libs.config.section import Section
from libs.contracts.answering import Caution
from libs.contracts.knowledge import QueryKind

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG_DIR = REPOSITORY / "config"

ServiceName = Literal["gateway", "auth", "billing", "chat", "knowledge", "embedding", "generation"]
SERVICES: tuple[ServiceName, ...] = ("gateway", "auth", "billing", "chat", "knowledge", "embedding", "generation")

# Beside the services: what has an address of its own on the inside.
ProcessName = ServiceName | Literal["knowledge-worker"]
PROCESSES: tuple[ProcessName, ...] = (*SERVICES, "knowledge-worker")
Listener = ProcessName | Literal["gateway-metrics"]
LISTENERS: tuple[Listener, ...] = (*PROCESSES, "gateway-metrics")

# A unix socket's address holds 107 characters; the longest name we put in the folder takes about 20.
SOCKET_DIR_MAX_CHARS = 80


class RateLimits(Section):
    """Requests a minute; `guest` and `anonymous` count per address, `share_link` per link, the others per subject."""

    default: int = Field(ge=1)
    chat: int = Field(ge=1)
    search: int = Field(ge=1)
    guest: int = Field(ge=1)
    share_link: int = Field(ge=1)
    anonymous: int = Field(ge=1)


class Tokens(Section):
    access_minutes: int = Field(ge=1)
    refresh_days: int = Field(ge=1)


class Ingestion(Section):
    workers: int = Field(ge=1, le=64)
    max_chunk_tokens: int = Field(ge=16)
    overlap_tokens: int = Field(ge=0)
    parse_memory_mb: int = Field(ge=128)
    parse_timeout_s: float = Field(gt=0)
    lease_s: float = Field(gt=0)
    uncounted_bytes: int = Field(ge=0)


class Fetching(Section):
    allowed_networks: list[IPv4Network | IPv6Network]
    ports: list[int] = Field(min_length=1)
    timeout_s: float = Field(gt=0)


class OperatorBucket(Section):
    """A bucket that the named organisations read with the operator's credentials, from `prefix` down."""

    organizations: list[UUID] = Field(min_length=1)
    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key_id: str
    secret_access_key: SecretStr


class S3Sources(Section):
    allowed_networks: list[IPv4Network | IPv6Network]
    ports: list[int] = Field(min_length=1)
    buckets: list[OperatorBucket]


class RankWeights(Section):
    """What a rank counts in the fusion: in the searches, by late interaction, for a query's part, by age, reworded."""

    lexical: float = Field(ge=0)
    vector: float = Field(ge=0)
    late: float = Field(ge=0)
    part: float = Field(ge=0)
    newest: float = Field(ge=0)
    expansion: float = Field(ge=0)


class Retrieval(Section):
    rrf_k: int = Field(ge=1)
    candidates: int = Field(ge=1)
    rerank_depth: int = Field(ge=1, le=200)
    weights: RankWeights
    passages: dict[QueryKind, Annotated[int, Field(ge=1, le=50)]]
    exact_below: int = Field(ge=0)
    cache_s: int = Field(ge=0)


# A folder of the models folder: no path leads out of it.
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class RemoteModel(Section):
    """A model on another server. `revision` names its weights: another one re-embeds what was embedded with it."""

    url: str
    protocol: Literal["openai", "tei"] = "openai"
    model: str = ""
    api_key: SecretStr = SecretStr("")
    max_tokens: int = Field(ge=16)
    revision: ModelName
    max_texts: int = Field(default=32, ge=1)
    rerank_url: str = ""


class Embedding(Section):
    backend: Literal["auto", "torch", "torch-cuda", "openvino-float32", "openvino-bfloat16", "openvino-int8"]
    model: ModelName
    also: list[ModelName]
    remotes: dict[ModelName, RemoteModel]
    entailment: ModelName | Literal[""]
    keep_days: float = Field(ge=0)
    max_batch_tokens: int = Field(ge=256)
    max_waiting: int = Field(ge=1)
    cache_entries: int = Field(ge=0)
    shared_cache_s: int = Field(ge=0)


class ModerationService(Section):
    """A server that speaks OpenAI's `/moderations`; its `url` ends in the API's version. `when_away`: see base.yaml."""

    url: str
    model: str
    api_key: SecretStr
    timeout_s: float = Field(gt=0)
    when_away: Literal["closed", "open"]


class LeastConfidence(Section):
    """Of an answer, 0 to 1, by an organisation's caution."""

    low: float = Field(ge=0, le=1)
    normal: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)

    def of(self, caution: Caution) -> float:
        return {"low": self.low, "normal": self.normal, "high": self.high}[caution]


class EntailmentBounds(Section):
    """Probabilities, 0 to 1, and how long a sentence waits for them; base.yaml says what each bounds."""

    least: float = Field(ge=0, le=1)
    most_contradiction: float = Field(ge=0, le=1)
    timeout_s: float = Field(gt=0)


class Chat(Section):
    answer_deadline_s: float = Field(gt=0)
    heartbeat_s: float = Field(gt=0)
    min_support: float = Field(ge=0, le=1)
    entailment: EntailmentBounds
    floor_allowance: float = Field(ge=0, le=1)
    least_confidence: LeastConfidence
    grace_messages: int = Field(ge=0)
    answer_cache_s: int = Field(ge=0)
    answer_cache_entries: int = Field(ge=1, le=10_000)
    bin_days: float = Field(gt=0)
    rewrite_s: float = Field(ge=0)
    phone_regions: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]]
    security_event_days: float = Field(gt=0)
    moderation: ModerationService


class Documents(Section):
    bin_days: float = Field(gt=0)
    export_hours: float = Field(gt=0)
    use_days: int = Field(ge=1)


class Settings(BaseSettings):
    """Everything an operator can set; config/base.yaml documents each key where it gives the default."""

    model_config = SettingsConfigDict(
        env_prefix="FOOTNOTE_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    environment: Literal["development", "test", "staging", "production"]
    home: Path
    host: str
    gateway_host: str
    base_port: int = Field(ge=1, le=65_000)
    service_urls: dict[ServiceName, str]
    postgres_url: str
    redis_url: str
    overrides_file: str
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    public_url: str
    allowed_origins: list[str]
    trusted_proxies: list[IPv4Network | IPv6Network]
    max_upload_bytes: int = Field(ge=1)
    max_body_bytes: int = Field(ge=1)
    body_timeout_s: float = Field(gt=0)
    max_connections: int = Field(ge=1)
    rate_limits: RateLimits
    tokens: Tokens
    ingestion: Ingestion
    fetching: Fetching
    s3_sources: S3Sources
    documents: Documents
    retrieval: Retrieval
    embedding: Embedding
    generation: Generation
    chat: Chat

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes all four
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        environment = os.environ.get("FOOTNOTE_ENVIRONMENT", "development")
        files = [CONFIG_DIR / "base.yaml", CONFIG_DIR / f"{environment}.yaml"]
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=files, deep_merge=True)

    def port(self, listener: Listener) -> int:
        return self.base_port + LISTENERS.index(listener)

    def url(self, process: ProcessName) -> str:
        """The base address of a service or worker, without a trailing slash."""
        configured = self.service_urls.get(process) if process != "knowledge-worker" else None
        if configured:
            return configured.rstrip("/")
        return f"http://{self.host}:{self.port(process)}"

    @property
    def sockets_dir(self) -> Path:
        """Where the embedded servers listen: under home, or a short path beside it where home's is too long."""
        inside = self.home.absolute() / "run"
        if len(str(inside)) <= SOCKET_DIR_MAX_CHARS:
            return inside
        digest = hashlib.sha256(str(inside).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"footnote-{os.getuid()}-{digest}"

    @property
    def page_url(self) -> str:
        """Where people open the web page, without a trailing slash."""
        return self.public_url.rstrip("/") or f"http://localhost:{self.base_port}"

    @property
    def overrides_path(self) -> Path:
        return Path(self.overrides_file) if self.overrides_file else self.home / "overrides.yaml"

    @property
    def secrets_dir(self) -> Path:
        return self.home / "secrets"

    @property
    def models_dir(self) -> Path:
        """Where weights live: FOOTNOTE_MODELS_DIR where set, so that several installations share one copy."""
        shared = os.environ.get("FOOTNOTE_MODELS_DIR")
        return Path(shared) if shared else self.home / "models"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    def postgres_dsn(self, role: str, database: str = "footnote") -> str:
        """SQLAlchemy's address of the system of record, as `role`.

        Each service connects as its own role; the embedded server listens on a socket under home.
        """
        if self.postgres_url:
            return self.postgres_url.replace("{role}", role)
        return f"postgresql+asyncpg://{role}@/{database}?host={self.sockets_dir}"

    def redis_dsn(self) -> str:
        return self.redis_url or f"unix://{self.sockets_dir / 'valkey.sock'}"


def load_settings() -> Settings:
    """The process's settings.

    Raises pydantic's ValidationError, which names each key that is unknown or wrong.
    """
    return Settings()  # pyright: ignore[reportCallIssue] - every field comes from the sources above
