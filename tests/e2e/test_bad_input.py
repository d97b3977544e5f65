"""Bad input gets the envelope, and nothing is lost."""

import asyncio
import base64
import io
import json
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from pypdf import PdfWriter

from libs.contracts.identity import TokenClaims
from libs.security.keys import USER_TOKENS, load_private_key
from libs.security.tokens import ALGORITHM, ServiceTokens, UserTokenSigner, key_id
from tests.stack import Member, Stack

UNIT = b"x" * 65_536


@pytest.fixture(scope="module")
async def member(stack: Stack) -> AsyncIterator[Member]:
    async with stack.member() as member:
        yield member


def envelope(response: httpx.Response, status: int, code: str) -> dict:
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"code", "message", "details", "request_id"}
    assert body["code"] == code
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def test_a_message_of_2001_characters_is_refused_by_name(member: Member) -> None:
    body = envelope(await member.http.post("/chat", json={"message": "x" * 2001}), 422, "VALIDATION_ERROR")
    assert body["details"]["fields"][0]["field"] == "message"


@pytest.mark.parametrize("message", ["", "   \n", "\x00"])
async def test_an_empty_message_is_refused(member: Member, message: str) -> None:
    envelope(await member.http.post("/chat", json={"message": message}), 422, "VALIDATION_ERROR")


async def test_an_unknown_session_is_not_found(member: Member) -> None:
    response = await member.http.post("/chat", json={"message": "Hello?", "session_id": str(uuid4())})
    envelope(response, 404, "NOT_FOUND")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x.y.z", "Basic dXNlcjpwYXNz", "Bearer " + "a" * 6000])
async def test_a_missing_or_malformed_token_is_refused(stack: Stack, token: str) -> None:
    async with stack.client() as http:
        headers = {"Authorization": token} if token else {}
        envelope(await http.post("/chat", json={"message": "Hello?"}, headers=headers), 401, "UNAUTHENTICATED")


async def test_an_altered_token_is_refused(stack: Stack, member: Member) -> None:
    token = member.http.headers["Authorization"]
    # In the signature, but not at its end: of the last character only two bits count.
    place = len(token) - 20
    altered = token[:place] + ("b" if token[place] == "a" else "a") + token[place + 1 :]
    async with stack.client() as http:
        envelope(await http.get("/users/me", headers={"Authorization": altered}), 401, "UNAUTHENTICATED")


async def refused_as(stack: Stack, token: str) -> str:
    """Why the token is refused, the same way on every route that wants one."""
    async with stack.client() as http:
        headers = {"Authorization": f"Bearer {token}"}
        asked = envelope(await http.post("/chat", json={"message": "Hello?"}, headers=headers), 401, "UNAUTHENTICATED")
        shown = envelope(await http.get("/users/me", headers=headers), 401, "UNAUTHENTICATED")
    assert asked["message"] == shown["message"]
    return shown["message"]


def own_token(member: Member) -> str:
    return member.http.headers["Authorization"].removeprefix("Bearer ")


def claims_of(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


async def test_an_expired_token_is_refused(stack: Stack, member: Member) -> None:
    claims = claims_of(own_token(member))
    key = load_private_key(stack.settings.secrets_dir / f"{USER_TOKENS}.key")
    known = TokenClaims(
        user_id=UUID(claims["sub"]), organization_id=UUID(claims["org"]), session_id=UUID(claims["sid"])
    )
    expired = UserTokenSigner(key, 60, lambda: time.time() - 3600).sign(known)
    assert "expired" in await refused_as(stack, expired)
    async with stack.client() as http:
        living = UserTokenSigner(key, 60).sign(known)
        assert (await http.get("/users/me", headers={"Authorization": f"Bearer {living}"})).status_code == 200


async def test_a_token_for_another_audience_is_refused(stack: Stack, member: Member) -> None:
    """Signed with the right key, and everything else as it should be."""
    key = load_private_key(stack.settings.secrets_dir / f"{USER_TOKENS}.key")
    claims = claims_of(own_token(member)) | {"aud": "elsewhere"}
    await refused_as(stack, jwt.encode(claims, key, ALGORITHM, headers={"kid": key_id(key.public_key())}))


async def test_a_service_token_is_no_access_token(stack: Stack) -> None:
    await refused_as(stack, ServiceTokens("gateway", stack.settings.secrets_dir).sign("auth"))


async def test_a_token_with_an_altered_payload_is_refused(stack: Stack, member: Member) -> None:
    head, payload, signature = own_token(member).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["org"] = str(uuid4())
    altered = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    await refused_as(stack, f"{head}.{altered}.{signature}")


async def test_an_unsigned_token_is_refused(stack: Stack, member: Member) -> None:
    token = own_token(member)
    kid = jwt.get_unverified_header(token)["kid"]
    await refused_as(stack, jwt.encode(claims_of(token), None, "none", headers={"kid": kid}))


async def test_a_wrong_api_key_is_refused(stack: Stack) -> None:
    async with stack.client() as http:
        envelope(await http.get("/users/me", headers={"X-API-Key": "fn_wrong"}), 401, "UNAUTHENTICATED")


async def test_malformed_json_is_refused(member: Member) -> None:
    headers = {"Content-Type": "application/json"}
    envelope(await member.http.post("/chat", content=b'{"message": ', headers=headers), 400, "MALFORMED_BODY")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_a_wrong_content_type_is_refused(member: Member, content_type: str) -> None:
    response = await member.http.post("/chat", content=b"message=hello", headers={"Content-Type": content_type})
    envelope(response, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_an_unknown_field_is_refused_by_name(member: Member) -> None:
    response = await member.http.post("/chat", json={"message": "Hello?", "colour": "red"})
    body = envelope(response, 422, "VALIDATION_ERROR")
    assert body["details"]["fields"][0]["field"] == "colour"


@pytest.mark.parametrize("fields", [{"max_tokens": 49}, {"temperature": 1.5}, {"filters": {"date_from": "soon"}}])
async def test_a_value_out_of_range_is_refused(member: Member, fields: dict) -> None:
    response = await member.http.post("/chat", json={"message": "Hello?", **fields})
    envelope(response, 422, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", ["/documents", "/chat"])
async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(
    stack: Stack, member: Member, path: str
) -> None:
    size = 2 * (stack.settings.max_upload_bytes if path == "/documents" else stack.settings.max_body_bytes)
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.settings.base_port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {member.http.headers['Authorization']}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {size}\r\n\r\n"
    )
    writer.write(head.encode())
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "PAYLOAD_TOO_LARGE"


async def test_a_body_that_never_ends_is_cut_off(member: Member) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000 * len(UNIT):
            sent += len(UNIT)
            yield UNIT

    try:
        response = await member.http.post("/chat", content=endless(), headers={"Content-Type": "application/json"})
        envelope(response, 413, "PAYLOAD_TOO_LARGE")
    except httpx.TransportError:
        # The server may close the connection while the body is still being sent.
        pass
    assert sent < 1_000 * len(UNIT)
    assert (await member.http.get("/users/me")).status_code == 200


async def test_a_body_longer_than_its_content_length_is_not_read_as_more(stack: Stack, member: Member) -> None:
    """What follows the body that was announced is another request at most, never a part of this one."""
    body = b'{"message": "Hello?"}'
    head = (
        f"POST /chat/message/nowhere HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {own_token(member)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.settings.base_port)
    writer.write(head.encode() + body + b'{"message": "and more"}\r\n\r\n')
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert b" 400 " in answer.split(b"\r\n")[0] or b"HTTP/1.1 400 " in answer
    assert b"and more" not in answer
    assert (await member.http.get("/users/me")).status_code == 200


async def test_a_body_shorter_than_its_content_length_harms_nothing(stack: Stack, member: Member) -> None:
    head = (
        f"POST /documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {own_token(member)}\r\n"
        "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
    )
    before = (await member.http.get("/documents")).json()["items"]
    _, writer = await asyncio.open_connection("127.0.0.1", stack.settings.base_port)
    writer.write(head.encode() + b'{"title": "Half", "text": "a')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await member.http.get("/documents")).json()["items"] == before


@pytest.mark.parametrize("length", ["-1", "many", "1, 2"])
async def test_a_content_length_that_is_none_is_refused(stack: Stack, member: Member, length: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.settings.base_port)
    writer.write(
        f"POST /chat HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{{}}".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert b" 400 " in answer.split(b"\r\n")[0]


def encrypted_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret", algorithm="AES-128")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def encrypted_docx() -> bytes:
    """What Office writes with a password: a compound file that holds the package as `EncryptedPackage`."""
    name = "EncryptedPackage".encode("utf-16-le")
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + name + b"\x00" * 512


@pytest.mark.parametrize(("name", "make"), [("locked.pdf", encrypted_pdf), ("locked.docx", encrypted_docx)])
async def test_an_encrypted_file_ends_failed_and_the_next_is_read(member: Member, name: str, make) -> None:
    accepted = await member.http.post("/documents", files={"file": (name, make())})
    assert accepted.status_code == 202, accepted.text
    document = await member.finished(accepted.json()["document_id"])
    assert (document["status"], document["error"]["code"]) == ("failed", "encrypted")
    assert document["error"]["message"]
    await member.add("The ferry leaves at noon.")


async def test_metrics_are_not_on_the_public_port(stack: Stack, member: Member) -> None:
    envelope(await member.http.get("/metrics"), 404, "NOT_FOUND")
    inside = f"http://127.0.0.1:{stack.settings.port('gateway-metrics')}/metrics"
    async with httpx.AsyncClient(trust_env=False) as http:
        assert "footnote_http_requests_total" in (await http.get(inside)).text


async def test_the_knowledge_worker_answers_for_its_health(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=stack.settings.url("knowledge-worker"), trust_env=False) as http:
        report = (await http.get("/health/detailed")).raise_for_status().json()
        assert (report["status"], report["checks"]["postgres"]["ok"]) == ("ready", True)
        assert (await http.get("/documents")).status_code == 404


async def test_an_unknown_type_of_file_is_refused(member: Member) -> None:
    response = await member.http.post("/documents", files={"file": ("tool.exe", b"MZ\x90\x00" + b"\x00" * 200)})
    envelope(response, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.md", b""),
        ("blank.txt", b" \n\n "),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type"),
        ("cut.docx", b"PK\x03\x04broken"),
    ],
)
async def test_an_unreadable_file_ends_failed_with_the_reason(member: Member, name: str, content: bytes) -> None:
    accepted = await member.http.post("/documents", files={"file": (name, content)})
    assert accepted.status_code == 202, accepted.text
    document = await member.finished(accepted.json()["document_id"])
    assert document["status"] == "failed"
    assert document["error"]["code"] in {"empty", "corrupt"}
    assert document["error"]["message"]


async def test_an_unknown_address_is_not_found(member: Member) -> None:
    envelope(await member.http.get("/nowhere"), 404, "NOT_FOUND")


async def test_a_path_cannot_climb_to_an_internal_one(stack: Stack, member: Member) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.settings.base_port)
    writer.write(
        b"GET /documents/../internal/subjects HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        + f"Authorization: {member.http.headers['Authorization']}\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert b" 404 " in answer.split(b"\r\n")[0]


async def test_a_service_answers_nobody_but_services(stack: Stack, member: Member) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        direct = await http.get(
            stack.settings.url("knowledge") + "/documents",
            headers={"Authorization": member.http.headers["Authorization"]},
        )
    envelope(direct, 401, "UNAUTHENTICATED")


async def test_forged_internal_headers_do_not_pass_the_gateway(member: Member) -> None:
    response = await member.http.get(
        "/users/me", headers={"X-Service-Token": "x", "X-Deadline-Ms": "1", "X-Lane": "ingest"}
    )
    assert response.status_code == 200


async def test_a_request_id_comes_back_and_a_hostile_one_is_replaced(member: Member) -> None:
    kept = await member.http.get("/users/me", headers={"X-Request-ID": "my-request-1"})
    assert kept.headers["x-request-id"] == "my-request-1"
    replaced = await member.http.get("/users/me", headers={"X-Request-ID": "{}<script>"})
    assert replaced.headers["x-request-id"] != "{}<script>"


async def test_a_thousand_idle_connections_leave_the_gateway_answering(
    stack: Stack, member: Member, full: bool
) -> None:
    wanted = 10_000 if full else 1_000
    writers = []
    try:
        for _ in range(wanted // 250):
            opened = await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", stack.settings.base_port) for _ in range(250))
            )
            writers += [writer for _, writer in opened]
        for writer in writers[::10]:
            writer.write(b"GET /users/me HTTP/1.1\r\nHost: x\r\n")
        answer = await member.http.get("/users/me")
        assert answer.status_code == 200
    finally:
        for writer in writers:
            writer.close()


async def test_every_error_code_in_the_page_of_the_api_is_the_envelope(stack: Stack) -> None:
    async with stack.client() as http:
        document = (await http.get("/openapi.json")).raise_for_status().json()
    assert {"/chat", "/documents", "/search", "/auth/login", "/billing/usage", "/users/me"} <= set(document["paths"])
    assert not [path for path in document["paths"] if path.startswith("/internal")]
    refused = document["paths"]["/chat"]["post"]["responses"]["429"]
    assert "ErrorEnvelope" in json.dumps(refused)
