"""The holder of a share link finds and reads what is public; every other call is refused, also one added later."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import httpx
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from libs.config.settings import SERVICES, load_settings
from libs.service.identity import require_reader, require_subject
from scripts.admin import set_limits
from services.gateway.routes import METHODS
from tests.security.test_membership import found, organization_of, public_paths, statuses_after
from tests.stack import Member, Stack, until

OPEN = {
    ("POST", "/search"),
    ("GET", "/documents"),
    ("GET", "/documents/{document_id}"),
    ("GET", "/documents/{document_id}/passages"),
    ("GET", "/documents/{document_id}/passages/{chunk_id}"),
}
QUESTION = "Where does the heron stand?"


async def shared(admin: Member, **fields: Any) -> dict[str, Any]:
    made = await admin.http.post(f"{await organization_of(admin)}/share-links", json=fields)
    assert made.status_code == 201, made.text
    return made.json()


@asynccontextmanager
async def holding(stack: Stack, token: str) -> AsyncIterator[httpx.AsyncClient]:
    async with stack.client() as guest:
        guest.headers["Authorization"] = f"Bearer {token}"
        yield guest


def routes_of(router: Any) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router)


def dependencies(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from dependencies(inner)


def test_a_route_is_closed_to_guests_unless_it_says_otherwise() -> None:
    """`Reader` alone lets them in; every other way to the caller goes through the check that refuses them."""
    readers: set[tuple[str, str]] = set()
    for service in SERVICES:
        app = import_module(f"services.{service}.main").build(load_settings())
        for route in routes_of(app):
            calls = set(dependencies(route.dependant))
            if require_reader in calls and require_subject not in calls:
                readers |= {(method, route.path) for method in route.methods}
    assert readers == OPEN


async def test_every_call_but_finding_and_reading_is_refused(stack: Stack) -> None:
    async with stack.member() as ada:
        link = await shared(ada)
        document_id = await ada.add("The heron stands at the weir.")
        async with holding(stack, link["token"]) as guest, stack.client() as nobody:
            paths = await public_paths(nobody)
            assert {path for _, path in OPEN} < set(paths)
            others = dict.fromkeys(["/v1/models", "/internal/readable", "/anything/new"], METHODS)
            known = {path: [method.upper() for method in operations] for path, operations in paths.items()}
            for path, methods in {**known, **dict.fromkeys([path for _, path in OPEN], METHODS), **others}.items():
                place = path.replace("{document_id}", document_id)
                for name in ("organization_id", "user_id", "group_id", "chunk_id"):
                    place = place.replace(f"{{{name}}}", str(uuid4()))
                for method in methods:
                    if (method, path) in OPEN:
                        continue
                    answer = await guest.request(method, place, json={})
                    if (path.startswith("/auth/") and path != "/auth/logout") or path == "/.well-known/jwks.json":
                        # Open to everybody: the link makes no difference.
                        assert answer.status_code == (await nobody.request(method, place, json={})).status_code
                    else:
                        assert answer.status_code in {401, 403, 404}, (method, path, answer.text)
                        assert "heron" not in answer.text
            broken = {"Authorization": "Bearer fs_\u00e9".encode()}
            assert (await nobody.get("/documents", headers=broken)).status_code == 401
            assert (await guest.get("/documents", headers={"X-Note": b"\xc3\xa9"})).status_code == 200
            # And the same where the token comes in the other header.
            other = {"Authorization": "", "X-API-Key": link["token"]}
            assert (await guest.get("/documents", headers=other)).json() == {"items": [], "next_cursor": None}
            assert (await guest.post("/chat", json={"message": QUESTION}, headers=other)).status_code == 403


async def test_what_is_public_is_found_and_opened_and_nothing_else(stack: Stack) -> None:
    async with stack.member() as ada, stack.member() as eve:
        documents: dict[str, str] = {}
        for access in ("public", "organization", "private"):
            documents[access] = await ada.add(f"The heron of the {access} stands at the weir.", "Heron", access=access)
        await eve.add("The heron of another stands at the weir.", access="public")
        made = await ada.http.post("/documents/collections", json={"name": "Birds", "access": "public"})
        collection = made.json()["collection_id"]
        inside = await ada.add("The heron of the collection stands there.", collection_id=collection)
        everything, part = await shared(ada), await shared(ada, collections=[collection])
        unknown = await ada.http.post(f"{await organization_of(ada)}/share-links", json={"collections": [str(uuid4())]})
        assert unknown.status_code == 422
        assert unknown.json()["details"]["fields"][0]["field"] == "collections"
        async with holding(stack, everything["token"]) as guest, holding(stack, part["token"]) as visitor:
            assert set(await found(guest, QUESTION)) == {documents["public"], inside}
            assert await found(visitor, QUESTION) == [inside]
            listed = (await guest.get("/documents")).json()["items"]
            assert {one["document_id"] for one in listed} == {documents["public"], inside}
            path = f"/documents/{documents['public']}/passages"
            (passage,) = (await guest.get(path)).json()["items"]
            opened = await guest.get(f"{path}/{passage['chunk_id']}")
            assert "public" in opened.json()["content"]
            assert (await visitor.get(path)).status_code == 404
            # A member still finds all of it, and the next query follows a change both ways.
            assert set(await found(ada.http, QUESTION)) == {*documents.values(), inside}
            for access in ("organization", "public"):
                await ada.http.patch(f"/documents/{documents['public']}", json={"access": access})
                assert (documents["public"] in await found(guest, QUESTION)) is (access == "public")
        usage = (await ada.http.get("/billing/usage")).json()["resources"]
        assert usage["api_calls"]["used"] == 0


async def test_a_link_that_ended_counts_no_more_within_a_second(stack: Stack) -> None:
    async with stack.member() as ada:
        revoked = await shared(ada)
        # Not so soon that a busy machine is late with the first look.
        ends_at = datetime.now(UTC) + timedelta(seconds=5)
        expiring = await shared(ada, expires_at=ends_at.isoformat())
        async with holding(stack, revoked["token"]) as first, holding(stack, expiring["token"]) as second:
            assert [(await one.get("/documents")).status_code for one in (first, second)] == [200, 200]
            path = f"{await organization_of(ada)}/share-links/{revoked['id']}"
            assert (await ada.http.delete(path)).status_code == 204
            await statuses_after(first, ["/documents"], 401)
            assert (await first.post("/search", json={"query": QUESTION})).status_code == 401

            async def refused() -> int | None:
                asked_at = datetime.now(UTC)
                status = (await second.get("/documents")).status_code
                assert status != 200 or asked_at < ends_at + timedelta(seconds=1.5)
                return None if status == 200 else status

            assert await until(refused) == 401
            assert datetime.now(UTC) >= ends_at


async def test_all_who_hold_a_link_are_counted_together(stack: Stack) -> None:
    async with stack.member() as ada:
        links = [await shared(ada), await shared(ada)]
        await set_limits(stack.settings, ada.email, 5)
        started = time.monotonic()
        async with holding(stack, links[0]["token"]) as guest, holding(stack, links[1]["token"]) as other:
            answers = await asyncio.gather(*(guest.get("/documents") for _ in range(8)))
            if time.monotonic() - started < 50:
                assert sum(answer.status_code == 429 for answer in answers) >= 2
                refused = next(answer for answer in answers if answer.status_code == 429)
                assert refused.headers["Retry-After"]
            assert (await other.get("/documents")).status_code == 200
