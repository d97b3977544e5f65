"""Which service answers a public path, who may ask, and which limits hold."""

import re
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
    GUEST = "guest"
    SHARE_LINK = "share_link"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Target:
    """`path` holds for itself and everything below it, `*` in it for any one segment; the first that fits decides."""

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
    Target("/chat/messages/*/regenerate", "chat", RouteClass.CHAT),
    Target("/chat/messages", "chat"),
    Target("/chat/instructions", "chat"),
    Target("/chat", "chat", RouteClass.CHAT),
    Target("/documents/batch", "knowledge", upload=True),
    Target("/documents", "knowledge", upload=True),
    Target("/search", "knowledge", RouteClass.SEARCH),
    Target("/admin/evaluations", "knowledge"),
    Target("/admin/feedback", "chat"),
    Target("/admin/answers", "chat"),
    Target("/admin/security-events", "chat"),
    Target("/admin/reviews", "chat"),
    Target("/mcp", "chat", RouteClass.CHAT),
    Target("/billing", "billing"),
    Target("/v1/embeddings", "embedding"),
    Target("/v1/chat/completions", "chat", RouteClass.CHAT),
    Target("/v1/models", "chat"),
)


_ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# Everything else is refused, also what is added later.
GUEST_ROUTES = (
    ("POST", re.compile("/search")),
    ("GET", re.compile("/documents")),
    ("GET", re.compile(f"/documents/{_ID}")),
    ("GET", re.compile(f"/documents/{_ID}/passages")),
    ("GET", re.compile(f"/documents/{_ID}/passages/{_ID}")),
)


def open_to_guests(method: str, path: str) -> bool:
    """Whether the holder of a share link may ask for a decoded path."""
    return any(method == allowed and pattern.fullmatch(path) for allowed, pattern in GUEST_ROUTES)


def target_of(path: str) -> Target | None:
    """The target of a decoded path; none for one with dot segments, which would lead elsewhere on the way."""
    if any(segment in {".", ".."} for segment in path.split("/")):
        return None
    return next((target for target in TARGETS if _holds(target.path, path)), None)


def _holds(target: str, path: str) -> bool:
    named, asked = target.split("/"), path.split("/")
    return len(asked) >= len(named) and all(name in {"*", part} for name, part in zip(named, asked, strict=False))


def requests_per_minute(route_class: RouteClass, limits: RateLimits) -> int:
    return {
        RouteClass.DEFAULT: limits.default,
        RouteClass.CHAT: limits.chat,
        RouteClass.SEARCH: limits.search,
        RouteClass.GUEST: limits.guest,
        RouteClass.SHARE_LINK: limits.share_link,
        RouteClass.ANONYMOUS: limits.anonymous,
    }[route_class]


def deadline_s(target: Target, settings: Settings) -> float:
    if target.upload:
        return UPLOAD_DEADLINE_S
    return settings.chat.answer_deadline_s if target.route_class is RouteClass.CHAT else ORDINARY_DEADLINE_S


def max_body_bytes(target: Target, settings: Settings) -> int:
    return settings.max_upload_bytes + MULTIPART_SLACK_BYTES if target.upload else settings.max_body_bytes
