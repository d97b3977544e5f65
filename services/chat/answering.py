"""One question's way: quota, retrieval, generation, grounding, storage."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.clients.generation import GenerationClient
from libs.clients.knowledge import KnowledgeClient
from libs.contracts.chat import (
    AnswerMetadata,
    ChatMessage,
    ChatRequest,
    ChatResponse,
    Citation,
    Outcome,
    SessionEvent,
    Source,
    SourcesEvent,
    TokenEvent,
)
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import RetrievalRequest, RetrievalResponse
from libs.contracts.openai import ChatMessageParam, CompletionRequest
