"""What the handbook says of limits, names and defaults is what the code and the configuration hold."""

import json
import re
from enum import StrEnum
from typing import Any

import pytest
import typer
import yaml
from pydantic import BaseModel, TypeAdapter

from libs.config.settings import CONFIG_DIR, LISTENERS
from libs.contracts import (
    answering,
    chat,
    conversations,
    errors,
    evaluation,
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
from libs.contracts.billing import Plan, Resource, ResourceUsage, Usage
from libs.contracts.usage import DocumentUse, UsedDocument
from libs.evaluation.answer_gate import GATED
from libs.evaluation.answer_reporting import WANTED_RIGHT
from libs.evaluation.gate import LEAST_CHANGED
from libs.fetch.fetcher import AGENT, MAX_REDIRECTS
from libs.security.tokens import SERVICE_TOKEN_LIFE_S
from libs.service.health import CHECK_TIMEOUT_S
from libs.text.phrases import MOST_WORDS
from scripts.cli import app
from scripts.resuming import FROM_BYTES
from services.auth.groups import GROUPS_PER_ORGANIZATION
from services.auth.invitations import INVITATION_LIFE, INVITATIONS_PER_ORGANIZATION
from services.auth.share_links import LONGEST_LIFE, SHARE_LINKS_PER_ORGANIZATION
from services.billing.plans import PLANS
from services.billing.service import RESERVATION_LIFE
from services.chat.answer_cache.warming import LEAST_ASKERS, LOOKED_BACK_DAYS
from services.chat.events import _NAMES as EVENT_NAMES  # pyright: ignore[reportPrivateUsage] - the names on the wire
from services.chat.review.repository import DAYS, LEAST_PEOPLE, LOW_CONFIDENCE, OFTEN
from services.generation.routing import breaker, limits
from services.knowledge.analysis import CODE_QUERY_WORDS
from services.knowledge.collections import COLLECTIONS_MAX
from services.knowledge.evaluations.evaluator import RUN_LIFE
from services.knowledge.evaluations.runs import RUNS_KEPT
from services.knowledge.glossary.expansion import MOST_QUERY_WORDS, MOST_TERMS, MOST_WAYS
from services.knowledge.parsing.document import FailureCode, ParseLimits
from services.knowledge.sources.bucket_sync import MAX_OBJECTS
from services.knowledge.sources.crawl import MAX_PAGES
from services.knowledge.sources.resumable import LIFE, OPEN_EACH
from services.knowledge.usage.counting import MOST_WAITING
from services.knowledge.usage.reports import DEFAULT_DAYS, TOP_PASSAGES
from tests.unit.docs.handbook import pages

PAGES = pages()
BASE: dict[str, Any] = yaml.safe_load((CONFIG_DIR / "base.yaml").read_text(encoding="utf-8"))

LIMITS = BASE["rate_limits"]
TOKENS = BASE["tokens"]
INGESTION = BASE["ingestion"]
RETRIEVAL = BASE["retrieval"]
EMBEDDING = BASE["embedding"]
CHAT = BASE["chat"]

SENTENCES = [
    ("asking-by-api.md", f"A message has at most {chat.MESSAGE_MAX_CHARS:,} characters."),
    ("asking-by-api.md", f"An answer must be complete within {CHAT['answer_deadline_s']} seconds."),
    ("answer-safety.md", f"kept for {CHAT['security_event_days']} days; the setting is chat.security_event_days"),
    ("answer-safety.md", f"longer than {CHAT['moderation']['timeout_s']} seconds (chat.moderation.timeout_s)"),
    ("entailment.md", f"must be at least {CHAT['entailment']['least']} (chat.entailment.least)"),
    ("entailment.md", f"is above {CHAT['entailment']['most_contradiction']} (chat.entailment.most_contradiction)"),
    ("entailment.md", f"at most {CHAT['entailment']['timeout_s']} seconds for a call (chat.entailment.timeout_s)"),
    ("streaming.md", f"A comment line is sent every {CHAT['heartbeat_s']} seconds"),
    ("abstention.md", f"a support below {CHAT['min_support']} is left out"),
    ("answer-cache.md", f"at most {CHAT['answer_cache_s']:,} seconds (chat.answer_cache_s"),
    ("answer-cache.md", f"{CHAT['answer_cache_entries']:,} answers for each organisation"),
    ("answer-cache.md", f"questions that at least {LEAST_ASKERS} people asked within the last {LOOKED_BACK_DAYS} days"),
    *(("abstention.md", f"| {caution} | {least} |") for caution, least in CHAT["least_confidence"].items()),
    ("sessions.md", f"lies in the bin for {CHAT['bin_days']} days; the setting is chat.bin_days"),
    ("conversations.md", f"of at most {conversations.IMPORTED_MESSAGES_MAX:,} messages"),
    ("conversations.md", f"a comment of up to {chat.MESSAGE_MAX_CHARS:,} characters"),
    ("sessions.md", f"a title of up to {conversations.TITLE_MAX_CHARS} characters"),
    ("usage-and-quotas.md", f"at most {CHAT['grace_messages']} messages of an organisation"),
    ("web-sources.md", f"`fetching.timeout_s`, which is {BASE['fetching']['timeout_s']} seconds".replace("`", "")),
    ("web-sources.md", f"At most {MAX_REDIRECTS} redirects"),
    ("web-sources.md", f"at most {MAX_PAGES} pages"),
    ("s3-sources.md", f"at most {MAX_OBJECTS:,} objects"),
    ("web-sources.md", f"calls itself {AGENT}"),
    ("uploading-documents.md", f"files of {FROM_BYTES // 2**20} MB and more"),
    ("uploading-documents.md", f"for {LIFE.days * 24} hours"),
    ("uploading-documents.md", f"may have {OPEN_EACH} unfinished uploads"),
    ("sign-in.md", f"An access token lives for {TOKENS['access_minutes']} minutes."),
    ("sign-in.md", f"A refresh token lives for {TOKENS['refresh_days']} days."),
    ("members-and-groups.md", f"expires after {INVITATION_LIFE.days} days"),
    ("members-and-groups.md", f"At most {INVITATIONS_PER_ORGANIZATION:,} are open at a time."),
    ("members-and-groups.md", f"An organisation has at most {GROUPS_PER_ORGANIZATION:,} groups"),
    ("share-links.md", f"An organisation has at most {SHARE_LINKS_PER_ORGANIZATION} links."),
    ("share-links.md", f"up to {sharing.COLLECTIONS_PER_LINK} collections"),
    ("share-links.md", {3650: "at most ten years ahead"}[LONGEST_LIFE.days]),
    ("share-links.md", f"{LIMITS['guest']} a minute for each network address"),
    ("share-links.md", f"{LIMITS['share_link']} a minute for all who hold one link"),
    ("rate-limits.md", f"Asking is limited to {LIMITS['chat']} requests a minute, searching to {LIMITS['search']}"),
    ("rate-limits.md", f"other signed-in requests to {LIMITS['default']}."),
    ("rate-limits.md", f"for each network address, {LIMITS['anonymous']} a minute"),
    ("uploading-documents.md", f"at most {BASE['max_upload_bytes'] // 2**20} MB ({BASE['max_upload_bytes']:,} bytes)"),
    ("uploading-documents.md", f"Any other request body may have at most {BASE['max_body_bytes'] // 2**20} MB"),
    ("errors.md", f"the body stopped arriving for {BASE['body_timeout_s']} seconds"),
    ("chunking.md", f"A chunk holds at most {INGESTION['max_chunk_tokens']} tokens"),
    ("chunking.md", f"up to {INGESTION['overlap_tokens']} tokens of the first"),
    ("document-states.md", f"{INGESTION['parse_memory_mb']:,} MB of memory"),
    ("document-states.md", f"{INGESTION['parse_timeout_s']} seconds"),
    ("document-formats.md", f"at most {ParseLimits().members:,} files and {ParseLimits().unpacked_bytes // 2**20} MB"),
    ("document-formats.md", f"lie within each other {ParseLimits().nesting} deep"),
    ("document-states.md", f"a lease of {INGESTION['lease_s']} seconds"),
    ("document-states.md", f"ingestion.workers, by default {INGESTION['workers']}"),
    ("replacing-and-deleting.md", f"lies in the bin for {BASE['documents']['bin_days']} days"),
    ("downloading-documents.md", f"downloaded for {BASE['documents']['export_hours']} hours"),
    ("changing-documents.md", f"at most {COLLECTIONS_MAX} collections"),
    ("own-words.md", f"at most {glossary.ENTRIES_MAX:,} entries"),
    ("own-words.md", f"at most {glossary.MEANS_MAX} ways, each of at most {glossary.PHRASE_MAX_CHARS} characters"),
    ("own-words.md", f"and {MOST_WORDS} words; a note has at most {glossary.NOTE_MAX_CHARS} characters"),
    ("own-words.md", f"at most {MOST_TERMS} terms are expanded, each in at most {MOST_WAYS} ways"),
    ("own-words.md", f"the first {MOST_QUERY_WORDS} words are looked at"),
    ("document-use.md", f"for {BASE['documents']['use_days']} days; the setting is documents.use_days"),
    ("document-use.md", f"the last {DEFAULT_DAYS} days are shown"),
    ("document-use.md", f"the {TOP_PASSAGES} that were used most"),
    ("document-use.md", f"wait, up to {MOST_WAITING:,} of them"),
    ("evaluation.md", f"fewer than {LEAST_CHANGED} questions"),
    ("own-questions.md", f"of up to {evaluation.ANSWERS_MAX} a question"),
    ("measuring-answers.md", f"where {WANTED_RIGHT:.0%} of the answerable".replace("%", " %")),
    ("measuring-answers.md", {9: "Nine measures are looked at"}[len(GATED)]),
    ("reviewing-answers.md", f"at least {OFTEN} times by at least {LEAST_PEOPLE} people"),
    ("reviewing-answers.md", f"a confidence below {LOW_CONFIDENCE}"),
    ("reviewing-answers.md", f"only once {LEAST_PEOPLE} people have asked the same within {DAYS} days"),
    ("own-questions.md", f"at most {evaluation.SETS_MAX} sets"),
    (
        "own-questions.md",
        f"{evaluation.QUESTIONS_MAX:,} questions and {evaluation.JUDGEMENTS_IN_A_SET_MAX:,} judgements",
    ),
    ("own-questions.md", f"{evaluation.JUDGEMENTS_MAX} judgements and {evaluation.QUERY_MAX_CHARS:,} characters"),
    ("own-questions.md", f"grade is 0 to {evaluation.GRADE_MAX}"),
    ("own-questions.md", f"newest {RUNS_KEPT} runs are kept, for {RUN_LIFE.days} days"),
    ("uploading-documents.md", f"at most {values.METADATA_MAX_KEYS} values of your own"),
    ("uploading-documents.md", f"strings of at most {values.METADATA_MAX_CHARS} characters"),
    ("reranking.md", f"a query of more than {CODE_QUERY_WORDS} words"),
    ("hybrid-retrieval.md", f"Footnote uses k = {RETRIEVAL['rrf_k']}"),
    ("hybrid-retrieval.md", f"1/{RETRIEVAL['rrf_k'] + 1} + 1/{RETRIEVAL['rrf_k'] + 3}"),
    ("hybrid-retrieval.md", f"up to {RETRIEVAL['candidates']} candidates before fusion"),
    ("reranking.md", f"The best {RETRIEVAL['rerank_depth']} of the fused passages"),
    *(
        ("hybrid-retrieval.md", f"| {count} | retrieval.passages.{kind} |")
        for kind, count in RETRIEVAL["passages"].items()
    ),
    ("vector-search.md", f"fewer than {RETRIEVAL['exact_below']:,} chunks"),
    ("embeddings.md", f"up to {EMBEDDING['max_batch_tokens']:,} tokens in one batch"),
    ("embeddings.md", f"up to {EMBEDDING['cache_entries']:,} recent questions"),
    ("embeddings.md", f"through Redis for {EMBEDDING['shared_cache_s']:,} seconds"),
    ("usage-and-quotas.md", f"without billing up to {INGESTION['uncounted_bytes']:,} bytes of an organisation"),
    ("usage-and-quotas.md", f"ends after {RESERVATION_LIFE.seconds // 60} minutes"),
    ("model-routing.md", f"After {breaker.FAILURES} failures in a row"),
    ("model-routing.md", f"isn't asked for {breaker.OPEN_S:g} seconds"),
    ("model-routing.md", f"Temperature is at most {limits.MAX_TEMPERATURE:g}, top_p at least {limits.MIN_TOP_P:g}"),
    ("model-routing.md", f"top_k at most {limits.MAX_TOP_K}, and an answer has at most {limits.MOST_TOKENS:,} tokens"),
    ("services-and-health.md", f"lives for {SERVICE_TOKEN_LIFE_S} seconds"),
    ("services-and-health.md", f"no answer within {CHECK_TIMEOUT_S:g} seconds"),
]


@pytest.mark.parametrize(("name", "sentence"), SENTENCES, ids=[f"{name}: {text}" for name, text in SENTENCES])
def test_states_the_value_in_force(name: str, sentence: str):
    assert sentence in PAGES[name].text


def leaf_keys(values: dict[str, Any], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, value in values.items():
        section: dict[str, Any] = {**value} if isinstance(value, dict) else {}
        keys += leaf_keys(section, f"{prefix}{name}.") or [prefix + name]
    return keys


@pytest.mark.parametrize("key", leaf_keys(BASE))
def test_every_setting_is_explained(key: str):
    assert any(key in page.code_spans for page in PAGES.values())


def rows(name: str) -> list[list[str]]:
    """The cells of a page's tables, without the marks of code."""
    lines = [line for line in PAGES[name].prose.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("cells", [row for row in rows("configuration.md") if row[0] in leaf_keys(BASE)])
def test_settings_tables_show_the_defaults(cells: list[str]):
    key, _, default = cells
    value: Any = BASE
    for part in key.split("."):
        value = value[part]
    assert default == (str(value) if value not in ("", [], {}) else "none")


def columns(name: str, header: str) -> dict[str, list[str]]:
    """The table whose first column is headed `header`, by that column."""
    found = rows(name)
    start = next(index for index, row in enumerate(found) if row[0] == header)
    body: list[list[str]] = []
    for row in found[start + 2 :]:
        if len(row) != len(found[start]):
            break
        body.append(row)
    return {row[0]: row[1:] for row in body}


@pytest.mark.parametrize(
    ("name", "model"),
    [("asking-by-api.md", chat.ChatRequest), ("search-api.md", knowledge.SearchRequest)],
)
def test_request_tables_name_every_field_with_its_default(name: str, model: type[BaseModel]):
    described = columns(name, "field")
    assert set(described) == set(model.model_fields)
    for field, info in model.model_fields.items():
        default = described[field][-1]
        if info.is_required():
            assert default == "required"
        elif info.default is not None:
            assert default == (info.default if isinstance(info.default, str) else json.dumps(info.default))


def test_the_answer_policy_is_described_field_by_field():
    described = columns("answer-policies.md", "field")
    fields = answering.AnswerPolicy.model_json_schema()["properties"]
    assert set(described) == set(fields) == set(answering.AnswerPolicyChange.model_fields)
    for field, schema in fields.items():
        default = schema["default"]
        assert described[field][-1] == (default if isinstance(default, str) else json.dumps(default))
        assert [value for value in schema.get("enum", ()) if value not in described[field][1]] == []


def test_changes_are_named():
    assert set(lifecycle.DocumentChanges.model_fields) <= set(PAGES["changing-documents.md"].code_spans)


def test_upload_table_names_every_field():
    assert set(columns("uploading-documents.md", "field")) == set(knowledge.UploadFields.model_fields)


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
        ("organizations-and-access.md", identity.Role),
        ("usage-and-quotas.md", Resource),
        ("errors.md", errors.ErrorCode),
        ("reviewing-answers.md", reviews.ReviewReason),
    ],
)
def test_every_value_is_explained(name: str, values: type[StrEnum]):
    assert not [value for value in values if value not in PAGES[name].source]


def test_error_table_names_no_other_codes():
    table = [row for row in rows("errors.md") if row[0].isdigit()]
    assert sorted(row[1] for row in table) == sorted(errors.ErrorCode)


def test_stream_events():
    assert list(columns("streaming.md", "event")) == list(EVENT_NAMES.values())


def test_ports():
    described = columns("services-and-health.md", "service")
    assert {name: cells[0] for name, cells in described.items()} == {
        name: str(BASE["base_port"] + index) for index, name in enumerate(LISTENERS)
    }


def allowance(plan: Plan) -> str:
    assert plan.storage_bytes is not None
    messages = (
        "unlimited messages" if plan.messages_per_month is None else f"{plan.messages_per_month:,} messages a month"
    )
    calls = "unlimited API calls" if plan.api_calls_per_day is None else f"{plan.api_calls_per_day:,} API calls a day"
    storage = f"{plan.storage_bytes // 1_000_000:,} MB of storage"
    return f"It allows {messages}, {plan.tokens_per_message:,} tokens a message, {calls} and {storage}."


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.name)
def test_plans(plan: Plan):
    price = f"costs ${plan.price_usd} a month" if plan.price_usd else "costs nothing"
    assert f"The {plan.name} plan {price}. {allowance(plan)}" in PAGES["plans.md"].text


def command_paths(front_door: typer.Typer, prefix: str = "footnote") -> list[str]:
    own = [command.name or getattr(command.callback, "__name__", "") for command in front_door.registered_commands]
    paths = [f"{prefix} {name}" for name in own]
    for group in front_door.registered_groups:
        if group.typer_instance:
            paths += command_paths(group.typer_instance, f"{prefix} {group.name}")
    return paths


def test_commands_on_the_pages_are_the_ones_there_are():
    known = set(command_paths(app))
    assert "footnote admin plan" in known
    named = {span for page in PAGES.values() for span in page.code_spans if span.startswith("footnote ")}
    unknown = {command for command in named if not any(f"{command} ".startswith(f"{path} ") for path in known)}
    assert not unknown
    described = PAGES["running-footnote.md"].code_spans
    missing = {path for path in known if not any(f"{command} ".startswith(f"{path} ") for command in described)}
    assert not missing


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
