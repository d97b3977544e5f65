import pytest

from libs.config.settings import load_settings
from services.gateway.routing import RouteClass, deadline_s, max_body_bytes, target_of


@pytest.mark.parametrize(
    ("path", "service", "route_class"),
    [
        ("/auth/login", "auth", RouteClass.ANONYMOUS),
        ("/auth/logout", "auth", RouteClass.DEFAULT),
        ("/users/me", "auth", RouteClass.DEFAULT),
        ("/organizations/1/groups/2/members/3", "auth", RouteClass.DEFAULT),
        ("/chat", "chat", RouteClass.CHAT),
        ("/chat/message", "chat", RouteClass.CHAT),
        ("/chat/sessions/1/messages", "chat", RouteClass.DEFAULT),
        ("/chat/messages/1/regenerate", "chat", RouteClass.CHAT),
        ("/chat/messages/1/stop", "chat", RouteClass.DEFAULT),
        ("/chat/messages/1/2/regenerate", "chat", RouteClass.DEFAULT),
        ("/admin/feedback", "chat", RouteClass.DEFAULT),
        ("/mcp", "chat", RouteClass.CHAT),
        ("/v1/chat/completions", "chat", RouteClass.CHAT),
        ("/v1/models/qwen", "chat", RouteClass.DEFAULT),
        ("/v1/models/org/model", "chat", RouteClass.DEFAULT),
        ("/search", "knowledge", RouteClass.SEARCH),
        ("/documents/1/passages/2", "knowledge", RouteClass.DEFAULT),
        ("/admin/evaluations/runs/1/report", "knowledge", RouteClass.DEFAULT),
        ("/billing/usage", "billing", RouteClass.DEFAULT),
    ],
)
def test_a_public_path_has_its_service_and_class(path: str, service: str, route_class: RouteClass) -> None:
    target = target_of(path)
    assert target is not None
    assert (target.service, target.route_class) == (service, route_class)


@pytest.mark.parametrize(
    "path",
    [
        "/internal/subjects",
        "/chatter",
        "/authx",
        "/",
        "/health",
        "/documentsx",
        "//chat",
        "/chat/../internal/subjects",
        "/documents/./../internal/readable",
        "/chat/..",
    ],
)
def test_nothing_else_is_passed_on(path: str) -> None:
    assert target_of(path) is None


def test_only_uploads_may_be_large() -> None:
    settings = load_settings()
    upload, chat = target_of("/documents"), target_of("/chat")
    assert upload
    assert chat
    assert max_body_bytes(upload, settings) > settings.max_upload_bytes > max_body_bytes(chat, settings)
    assert deadline_s(chat, settings) == settings.chat.answer_deadline_s
