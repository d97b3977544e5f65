"""Tables of organisations' own questions and the runs over them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.knowledge.models import Base


class QuestionSetRow(Base):
    __tablename__ = "question_sets"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    name: Mapped[str]
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, deferred=True)
    question_count: Mapped[int] = mapped_column(Integer)
    judgement_count: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class EvaluationRunRow(Base):
    """`subject` is who asked, `questions` what the set held, both as they were then; `lease` fences off a dead worker.

    `attempts` counts turns since the last that got further.
    """

    __tablename__ = "evaluation_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    set_id: Mapped[UUID] = mapped_column(ForeignKey("question_sets.id"))
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    subject: Mapped[dict[str, Any]] = mapped_column(JSONB, deferred=True)
    set_name: Mapped[str]
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, deferred=True)
    strategies: Mapped[list[str]] = mapped_column(ARRAY(String))
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    last_turn_at: Mapped[datetime] = mapped_column(server_default=func.now())
    searched: Mapped[int] = mapped_column(default=0)
    searches: Mapped[int]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB, deferred=True)
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class EvaluationAnswerRow(Base):
    """What one search of a run under way found, best first: documents with their best passage, or passages."""

    __tablename__ = "evaluation_answers"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("evaluation_runs.id"), primary_key=True)
    question: Mapped[int] = mapped_column(primary_key=True)
    strategy: Mapped[str] = mapped_column(primary_key=True)
    document_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    chunk_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    milliseconds: Mapped[float]
    degraded: Mapped[list[str]] = mapped_column(ARRAY(String))
    knowledge_version: Mapped[int] = mapped_column(BigInteger)
