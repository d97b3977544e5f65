"""Which service answers a public path, who may ask, and which limits hold."""

from dataclasses import dataclass
from enum import StrEnum

from libs.config.settings import RateLimits, ServiceName, Settings

ORDINARY_DEADLINE_S = 30.0
UPLOAD_DEADLINE_S = 900.0
MULTIPART_SLACK_BYTES = 1_048_576


class RouteClass(StrEnum):
    DEFAULT = "default"
    CHAT = "chat"
    SEARCH = "search"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Target:
    """`path` holds for itself and everything below it; the first that fits decides."""

    path: str
    service: ServiceName
    route_class: RouteClass = RouteClass.DEFAULT
    upload: bool = False


TARGETS = (
    Target("/auth/logout", "auth"),
    Target("/auth", "auth", RouteClass.ANONYMOUS),
    Target("/.well-known/jwks.json", "auth", RouteClass.ANONYMOUS),
    Target("/users", "auth"),
    Target("/organizations", "auth"),
    Target("/chat/sessions", "chat"),
    Target("/chat/messages", "chat"),
    Target("/chat", "chat", RouteClass.CHAT),
    Target("/documents/batch", "knowledge", upload=True),
    Target("/documents", "knowledge", upload=True),
    Target("/search", "knowledge", RouteClass.SEARCH),
    Target("/admin/evaluations", "knowledge"),
    Target("/billing", "billing"),
    Target("/v1/embeddings", "embedding"),
)


def target_of(path: str) -> Target | None:
    """The target of a decoded path; none for one with dot segments, which would lead elsewhere on the way."""
    if any(segment in {".", ".."} for segment in path.split("/")):
        return None
    return next((target for target in TARGETS if path == target.path or path.startswith(target.path + "/")), None)


def requests_per_minute(route_class: RouteClass, limits: RateLimits) -> int:
    return {
        RouteClass.DEFAULT: limits.default,
        RouteClass.CHAT: limits.chat,
        RouteClass.SEARCH: limits.search,
        RouteClass.ANONYMOUS: limits.anonymous,
    }[route_class]


def deadline_s(target: Target, settings: Settings) -> float:
    if target.upload:
        return UPLOAD_DEADLINE_S
    return settings.chat.answer_deadline_s if target.route_class is RouteClass.CHAT else ORDINARY_DEADLINE_S


def max_body_bytes(target: Target, settings: Settings) -> int:
    return settings.max_upload_bytes + MULTIPART_SLACK_BYTES if target.upload else settings.max_body_bytes
