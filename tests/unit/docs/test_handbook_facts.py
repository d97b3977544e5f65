"""The limits, times and sizes that the handbook states are those in force."""

import pytest

from libs.contracts import chat, conversations, evaluation, glossary, sharing, values
from libs.contracts.billing import Plan
from libs.evaluation.answer_gate import GATED
from libs.evaluation.answer_reporting import WANTED_RIGHT
from libs.evaluation.gate import LEAST_CHANGED
from libs.fetch.fetcher import AGENT, MAX_REDIRECTS
from libs.security.tokens import SERVICE_TOKEN_LIFE_S
from libs.service.health import CHECK_TIMEOUT_S
from libs.text.phrases import MOST_WORDS
from scripts.resuming import FROM_BYTES
from services.auth.groups import GROUPS_PER_ORGANIZATION
from services.auth.invitations import INVITATION_LIFE, INVITATIONS_PER_ORGANIZATION
from services.auth.share_links import LONGEST_LIFE, SHARE_LINKS_PER_ORGANIZATION
from services.billing.plans import PLANS
from services.billing.service import RESERVATION_LIFE
from services.chat.answer_cache.warming import LEAST_ASKERS, LOOKED_BACK_DAYS
from services.chat.review.repository import DAYS, LEAST_PEOPLE, LOW_CONFIDENCE, OFTEN
from services.generation.routing import breaker, limits
from services.knowledge.analysis import CODE_QUERY_WORDS
from services.knowledge.collections import COLLECTIONS_MAX
from services.knowledge.evaluations.evaluator import RUN_LIFE
from services.knowledge.evaluations.runs import RUNS_KEPT
from services.knowledge.glossary.expansion import MOST_QUERY_WORDS, MOST_TERMS, MOST_WAYS
from services.knowledge.ingestion import FIRST_WAIT_S, LONGEST_AFTER_TURN_S, LONGEST_WAIT_S
from services.knowledge.parsing.document import ParseLimits
from services.knowledge.sources.bucket_sync import MAX_OBJECTS
from services.knowledge.sources.crawl import MAX_PAGES
from services.knowledge.sources.resumable import LIFE, OPEN_EACH
from services.knowledge.usage.counting import MOST_WAITING
from services.knowledge.usage.reports import DEFAULT_DAYS, TOP_PASSAGES
from tests.unit.docs.handbook import base_settings, pages

PAGES = pages()
BASE = base_settings()

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
    ("waiting-documents.md", f"again after {FIRST_WAIT_S:g} seconds"),
    ("waiting-documents.md", f"at most after {LONGEST_WAIT_S:g}."),
    ("waiting-documents.md", f"after at most {LONGEST_AFTER_TURN_S:g} seconds"),
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
