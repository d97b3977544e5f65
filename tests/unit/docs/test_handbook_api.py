"""What the handbook says of requests, answers, events and errors is what the contracts hold."""

import json
import re
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from libs.contracts import (
    answering,
    chat,
    errors,
    glossary,
    identity,
    knowledge,
    lifecycle,
    organizations,
    reviews,
    safety,
    sharing,
    sources,
    values,
)
from libs.contracts.billing import Resource, ResourceUsage, Usage
from libs.contracts.usage import DocumentUse, UsedDocument
from services.chat.events import _NAMES as EVENT_NAMES  # pyright: ignore[reportPrivateUsage] - the names on the wire
from services.knowledge.faults import WaitsFor
from services.knowledge.parsing.document import FailureCode
from tests.unit.docs.handbook import pages

PAGES = pages()


@pytest.mark.parametrize(
    ("name", "model"),
    [("asking-by-api.md", chat.ChatRequest), ("search-api.md", knowledge.SearchRequest)],
)
def test_request_tables_name_every_field_with_its_default(name: str, model: type[BaseModel]):
    described = PAGES[name].table("field")
    assert set(described) == set(model.model_fields)
    for field, info in model.model_fields.items():
        default = described[field][-1]
        if info.is_required():
            assert default == "required"
        elif info.default is not None:
            assert default == (info.default if isinstance(info.default, str) else json.dumps(info.default))


def test_the_answer_policy_is_described_field_by_field():
    described = PAGES["answer-policies.md"].table("field")
    fields = answering.AnswerPolicy.model_json_schema()["properties"]
    assert set(described) == set(fields) == set(answering.AnswerPolicyChange.model_fields)
    for field, schema in fields.items():
        default = schema["default"]
        assert described[field][-1] == (default if isinstance(default, str) else json.dumps(default))
        assert [value for value in schema.get("enum", ()) if value not in described[field][1]] == []


def test_changes_are_named():
    assert set(lifecycle.DocumentChanges.model_fields) <= set(PAGES["changing-documents.md"].code_spans)


def test_upload_table_names_every_field():
    assert set(PAGES["uploading-documents.md"].table("field")) == set(knowledge.UploadFields.model_fields)


def bounds(model: type[BaseModel], field: str) -> tuple[float, float]:
    schema = model.model_json_schema()["properties"][field]
    return schema["minimum"], schema["maximum"]


def test_request_bounds():
    assert "{} to {}".format(*bounds(chat.ChatRequest, "max_tokens")) in PAGES["asking-by-api.md"].text
    assert "0 to 1" in PAGES["asking-by-api.md"].text
    assert bounds(chat.ChatRequest, "temperature") == (0, 1)
    assert "{} to {}".format(*bounds(knowledge.SearchRequest, "top_k")) in PAGES["search-api.md"].text
    longest = knowledge.SearchRequest.model_json_schema()["properties"]["query"]["maxLength"]
    assert f"A query has at most {longest:,} characters." in PAGES["search-api.md"].text
    batch = knowledge.DocumentBatch.model_json_schema()["properties"]["documents"]["maxItems"]
    assert f"up to {batch} texts at once" in PAGES["uploading-documents.md"].text
    password = identity.RegisterRequest.model_json_schema()["properties"]["password"]
    expected = f"at least {password['minLength']} characters and at most {password['maxLength']}"
    assert expected in PAGES["sign-in.md"].text
    attributes = knowledge.UploadFields.model_json_schema()["properties"]
    tags = f"at most {attributes['tags']['maxItems']} tags of at most {values.TAG_MAX_CHARS} characters"
    assert tags in PAGES["uploading-documents.md"].text
    groups = knowledge.GroupAccess.model_json_schema()["properties"]["groups"]["maxItems"]
    assert f"At most {groups} groups" in PAGES["organizations-and-access.md"].text


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("asking-by-api.md", chat.ChatResponse),
        ("asking-by-api.md", knowledge.SearchFilters),
        ("search-api.md", knowledge.SearchFilters),
        ("citations.md", chat.Source),
        ("citations.md", chat.Citation),
        ("citations.md", knowledge.Location),
        ("outcomes.md", chat.AnswerMetadata),
        ("answer-safety.md", safety.SecurityEvent),
        ("trace.md", chat.AnswerTrace),
        ("sessions.md", chat.ChatSession),
        ("sign-in.md", identity.TokenPair),
        ("sign-in.md", identity.User),
        ("members-and-groups.md", organizations.Member),
        ("search-api.md", knowledge.SearchResponse),
        ("search-api.md", knowledge.SearchResult),
        ("search-api.md", knowledge.SearchScores),
        ("s3-sources.md", sources.S3Place),
        ("s3-sources.md", sources.S3Credentials),
        ("s3-sources.md", sources.SourceChange),
        ("search-api.md", knowledge.Expansion),
        ("own-words.md", glossary.GlossaryEntry),
        ("document-use.md", DocumentUse),
        ("waiting-documents.md", knowledge.Waiting),
        ("document-use.md", UsedDocument),
        ("downloading-documents.md", lifecycle.Export),
        ("usage-and-quotas.md", Usage),
        ("usage-and-quotas.md", ResourceUsage),
        ("errors.md", errors.ErrorEnvelope),
    ],
)
def test_answers_are_described_field_by_field(name: str, model: type[BaseModel]):
    missing = set(model.model_fields) - set(PAGES[name].code_spans)
    assert not missing


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("outcomes.md", chat.Outcome),
        ("answer-safety.md", safety.SecurityEventKind),
        ("document-states.md", knowledge.DocumentStatus),
        ("document-states.md", FailureCode),
        ("waiting-documents.md", WaitsFor),
        ("organizations-and-access.md", identity.Role),
        ("usage-and-quotas.md", Resource),
        ("errors.md", errors.ErrorCode),
        ("reviewing-answers.md", reviews.ReviewReason),
    ],
)
def test_every_value_is_explained(name: str, values: type[StrEnum]):
    assert not [value for value in values if value not in PAGES[name].source]


def test_error_table_names_no_other_codes():
    table = [row for row in PAGES["errors.md"].rows if row[0].isdigit()]
    assert sorted(row[1] for row in table) == sorted(errors.ErrorCode)


def test_stream_events():
    assert list(PAGES["streaming.md"].table("event")) == list(EVENT_NAMES.values())


def curl_examples() -> list[tuple[str, str, str]]:
    """(page, path, JSON body) of every example that posts JSON."""
    found: list[tuple[str, str, str]] = []
    for page in PAGES.values():
        for example in page.examples("sh"):
            path = re.search(r"http://localhost:8000(\S+)", example)
            body = re.search(r"-d '(.*?)'", example, re.DOTALL)
            if path and body:
                found.append((page.name, path[1], body[1]))
    return found


BODIES: dict[str, Any] = {
    "/chat": chat.ChatRequest,
    "/auth/register": identity.RegisterRequest,
    "/users/me/api-keys": identity.ApiKeyRequest,
    "/organizations/$ORGANIZATION/invitations": organizations.InvitationRequest,
    "/organizations/$ORGANIZATION/share-links": sharing.ShareLinkRequest,
    "/documents": knowledge.TextDocument,
    "/documents/sources": sources.NewSource,
    "/documents/web": sources.WebDocument,
    "/documents/$DOCUMENT": lifecycle.DocumentChanges,
    "/search": knowledge.SearchRequest,
    "/search/glossary": glossary.GlossaryEntryRequest,
}


@pytest.mark.parametrize(("name", "path", "body"), curl_examples())
def test_example_requests_are_valid(name: str, path: str, body: str):
    TypeAdapter(BODIES[path]).validate_json(body)


def test_example_error_is_an_envelope():
    (example,) = PAGES["errors.md"].examples("json")
    envelope = errors.ErrorEnvelope.model_validate_json(example)
    assert envelope.code in set(errors.ErrorCode)
