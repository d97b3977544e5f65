"""An organisation's own questions and the runs over them, with real searches over a few documents."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from libs.clients.base import ServiceClient, service_http
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.contracts.evaluation import STRATEGIES
from libs.contracts.identity import Role
from libs.security.tokens import ServiceTokens
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from services.knowledge.evaluations import evaluator as evaluating
from services.knowledge.evaluations.evaluator import Evaluator
from services.knowledge.evaluations.resolving import Resolver
from services.knowledge.main import passage_index
from services.knowledge.retrieval import Retriever
from services.knowledge.search_cache import SearchCache
from services.knowledge.worker import PATIENT_S
from tests.integration.services.knowledge.conftest import NOBODY, Person, working

MakePerson = Callable[..., Person]
SETS = "/admin/evaluations/sets"
RUNS = "/admin/evaluations/runs"
PAGES = {
    "leave": "Staff earn thirteen days of annual leave in their first three years of service.",
    "badge": "A lost badge is reported to the security desk within one hour.",
    "travel": "Train tickets for official trips are booked through the travel office.",
}
QUESTIONS = [
    {"id": "badge", "query": "Whom do I tell that my badge is lost?", "relevant": [{"external_id": "badge"}]},
    {"id": "travel", "query": "How are train tickets booked?", "relevant": [{"external_id": "travel"}]},
    {
        "id": "gone",
        "query": "How much annual leave is there?",
        "relevant": [{"external_id": "leave"}, {"external_id": "never-uploaded", "grade": 2}],
    },
]


@pytest.fixture
async def evaluator(
    clean_database: None, knowledge_settings: Settings, database: Database
) -> AsyncIterator[Callable[..., Evaluator]]:
    """Makes one, with an embedding service at `embedding`, else the running one."""
    index = passage_index(knowledge_settings, database)
    searching = knowledge_settings.retrieval.model_copy(update={"cache_s": 0})
    redis = connect_redis(knowledge_settings)
    async with service_http() as http:

        def make(embedding: str | None = None) -> Evaluator:
            tokens = ServiceTokens("knowledge", knowledge_settings.secrets_dir)
            url = embedding or knowledge_settings.url("embedding")
            embedder = EmbeddingClient(ServiceClient("embedding", url, tokens, http))
            # As patient as the worker's: a search that waits too long for embedding ends the turn.
            retriever = Retriever(database, index, embedder, SearchCache(redis, searching), searching, PATIENT_S)
            return Evaluator(database, retriever, Resolver(database, index), timedelta(seconds=30))

        yield make
    await redis.aclose()


@pytest.fixture
async def admin(clean_database: None, person: MakePerson, knowledge_settings: Settings) -> Person:
    """Of an organisation that has read the pages."""
    alice = person(role=Role.ADMIN)
    async with working(knowledge_settings):
        await asyncio.gather(*(alice.add(content, name.title(), external_id=name) for name, content in PAGES.items()))
    return alice


async def put(person: Person, path: str, body: Any) -> Any:
    return await person.http.put(path, headers=person.headers, json=body)


async def make_set(person: Person, questions: Any = QUESTIONS) -> str:
    made = await person.post(SETS, json={"name": "Staff", "questions": questions})
    assert made.status_code == 201, made.text
    return made.json()["set_id"]


async def asked(person: Person, set_id: str, **body: Any) -> str:
    answer = await person.post(f"{SETS}/{set_id}/runs", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["run_id"]


async def shown(person: Person, run_id: str, **params: Any) -> dict[str, Any]:
    return (await person.get(f"{RUNS}/{run_id}", params=params)).raise_for_status().json()


async def test_a_run_measures_each_strategy_and_says_what_was_found_instead(
    admin: Person, evaluator: Callable[..., Evaluator]
) -> None:
    run_id = await asked(admin, await make_set(admin))
    pending = await shown(admin, run_id)
    assert (pending["status"], pending["searched"], pending["searches"]) == ("pending", 0, 12)
    assert (await admin.get(f"{RUNS}/{run_id}/report")).status_code == 409
    while await evaluator().turn():
        pass
    run = await shown(admin, run_id)
    assert (run["status"], run["searched"], run["error"]) == ("completed", 12, None)
    report = run["report"]
    assert [one["strategy"] for one in report["strategies"]] == list(STRATEGIES)
    hybrid = report["strategies"][2]
    assert hybrid["ranks"] == {"badge": [1], "travel": [1], "gone": [1, None]}
    assert hybrid["measures"]["MRR@10"]["value"] == 1
    assert hybrid["per_question"]["gone"] < 1 == hybrid["per_question"]["badge"]
    assert (report["unresolved"], report["documents"], report["changed_meanwhile"]) == ({"gone": 1}, 3, False)
    worst = hybrid["worst"][0]
    assert (worst["id"], worst["found"][0]["external_id"], worst["found"][0]["title"]) == ("gone", "leave", "Leave")
    page = await admin.get(f"{RUNS}/{run_id}/report", params={"baseline": run_id})
    assert page.headers["content-type"].startswith("text/html")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "Not worse than the baseline" in page.text
    assert [one["run_id"] for one in (await admin.get(RUNS)).json()["items"]] == [run_id]


async def test_what_no_document_answers_is_counted_and_not_searched_for(
    admin: Person, evaluator: Callable[..., Evaluator]
) -> None:
    unanswerable = {"id": "moon", "query": "How far away is the moon?", "answerable": False}
    set_id = await make_set(admin, [unanswerable, *QUESTIONS])
    assert (await admin.get(f"{SETS}/{set_id}")).json()["questions"][0]["answerable"] is False
    run_id = await asked(admin, set_id, strategies=["lexical"])
    while await evaluator().turn():
        pass
    run = await shown(admin, run_id)
    assert (run["status"], run["searched"], run["searches"]) == ("completed", 3, 3)
    report = run["report"]
    assert (report["questions"], report["unanswerable"], set(report["judged"])) == (3, 1, {"badge", "travel", "gone"})
    page = (await admin.get(f"{RUNS}/{run_id}/report")).text
    assert "1 question that no document answers" in page
    nothing_to_find = await admin.post(f"{SETS}/{await make_set(admin, [unanswerable])}/runs")
    assert (nothing_to_find.status_code, nothing_to_find.json()["details"]["fields"][0]["field"]) == (422, "set_id")


async def test_what_the_asker_may_not_read_is_neither_found_nor_named(
    admin: Person, person: MakePerson, knowledge_settings: Settings, evaluator: Callable[..., Evaluator]
) -> None:
    bob = person(admin.subject.organization_id, Role.ADMIN)
    async with working(knowledge_settings):
        private = await admin.add("The vault opens with 4711.", "Vault", external_id="vault", access="private")
    set_id = await make_set(bob, [{"id": "vault", "query": "vault", "relevant": [{"document_id": private}]}])
    for someone, resolved in ((bob, False), (admin, True)):
        run_id = await asked(someone, set_id, strategies=["lexical"])
        while await evaluator().turn():
            pass
        report = (await shown(someone, run_id))["report"]
        assert (report["unresolved"] == {}) is resolved
        assert (report["strategies"][0]["ranks"]["vault"] == [1]) is resolved
    assert (await shown(admin, run_id))["report"]["strategies"][0]["worst"][0]["found"][0]["title"] == "Vault"
    assert (await bob.get(f"{RUNS}/{run_id}")).status_code == 404
    await admin.delete(f"/documents/{private}")
    assert (await shown(admin, run_id))["report"]["strategies"][0]["worst"][0]["found"][0]["title"] is None


async def test_passages_can_be_judged(admin: Person, evaluator: Callable[..., Evaluator]) -> None:
    found = (await admin.search("lost badge", strategy="lexical"))[0]
    judged = {"document_id": found["document_id"], "chunk_id": found["chunk_id"]}
    elsewhere = {"external_id": "travel", "chunk_id": found["chunk_id"]}
    set_id = await make_set(
        admin,
        [
            {"id": "right", "query": "lost badge", "relevant": [judged]},
            {"id": "of-another", "query": "lost badge", "relevant": [elsewhere]},
        ],
    )
    run_id = await asked(admin, set_id, strategies=["hybrid+rerank"])
    while await evaluator().turn():
        pass
    report = (await shown(admin, run_id))["report"]
    assert report["strategies"][0]["ranks"] == {"right": [1], "of-another": [None]}
    assert report["unresolved"] == {"of-another": 1}


async def test_a_run_whose_worker_is_gone_goes_on_where_it_was(
    admin: Person, evaluator: Callable[..., Evaluator], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await asked(admin, await make_set(admin), strategies=["lexical", "hybrid"])
    monkeypatch.setattr(evaluating, "TURN_S", 0)
    assert await evaluator().turn()
    assert (await shown(admin, run_id))["searched"] == 1

    class Killed(BaseException):
        pass

    async def killed(*_: Any) -> None:
        raise Killed

    dying = evaluator()
    monkeypatch.setattr(dying, "_search", killed)
    with pytest.raises(Killed):
        await dying.turn()
    assert not await evaluator().turn()  # the dead worker's lease still holds
    assert (await shown(admin, run_id))["status"] == "running"
    async with database.transaction() as session:
        await session.execute(text("UPDATE knowledge.evaluation_runs SET lease_until = now() - interval '1 second'"))
    while await evaluator().turn():
        pass
    run = await shown(admin, run_id)
    assert (run["status"], run["searched"]) == ("completed", 6)
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM knowledge.evaluation_answers")) == 0


async def test_a_run_is_never_measured_without_embedding(
    admin: Person, evaluator: Callable[..., Evaluator], database: Database
) -> None:
    run_id = await asked(admin, await make_set(admin), strategies=["vector"])
    for _ in range(evaluating.MAX_ATTEMPTS):
        assert not await evaluator(NOBODY).turn()
        assert (await shown(admin, run_id))["status"] == "running"
        async with database.transaction() as session:
            await session.execute(text("UPDATE knowledge.evaluation_runs SET lease_until = '-infinity'"))
    assert not await evaluator(NOBODY).turn()
    run = await shown(admin, run_id)
    assert (run["status"], run["report"]) == ("failed", None)
    assert "embedding" in run["error"]


async def test_one_run_of_an_organisation_at_a_time_and_one_that_is_deleted_ends(
    admin: Person, person: MakePerson, evaluator: Callable[..., Evaluator], monkeypatch: pytest.MonkeyPatch
) -> None:
    colleague = person(admin.subject.organization_id, Role.OWNER)
    set_id = await make_set(admin)
    answers = await asyncio.gather(*(admin.post(f"{SETS}/{set_id}/runs") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
    theirs = await colleague.post(f"{SETS}/{set_id}/runs")
    assert (theirs.status_code, theirs.json()["details"]) == (409, {})
    monkeypatch.setattr(evaluating, "TURN_S", 0)
    assert await evaluator().turn()
    run_id = next(answer for answer in answers if answer.status_code == 202).json()["run_id"]
    assert (await colleague.delete(f"{RUNS}/{run_id}")).status_code == 404
    assert (await admin.delete(f"{RUNS}/{run_id}")).status_code == 204
    assert not await evaluator().turn()
    assert (await colleague.post(f"{SETS}/{set_id}/runs")).status_code == 202
    assert (await admin.delete(f"{SETS}/{set_id}")).status_code == 204
    assert not await evaluator().turn()
    assert (await colleague.get(RUNS)).json()["items"] == []


async def test_a_run_is_held_against_an_earlier_one(
    admin: Person, evaluator: Callable[..., Evaluator], database: Database
) -> None:
    set_id = await make_set(admin, [QUESTIONS[0] | {"id": f"badge {number}"} for number in range(6)])
    runs: list[str] = []
    for _ in range(2):
        runs.append(await asked(admin, set_id, strategies=["lexical"]))
        while await evaluator().turn():
            pass
        # The second asks for a page that has gone.
        await admin.delete(f"/documents/{(await admin.search('badge'))[0]['document_id']}")
    gate = (await shown(admin, runs[1], baseline=runs[0]))["gate"]
    assert gate["passed"] is False
    assert "lexical: nDCG@10 -1.0000 over 6 questions" in gate["reasons"][0]
    assert (await shown(admin, runs[0], baseline=runs[1]))["gate"]["passed"] is True
    assert "Worse than the baseline" in (await admin.get(f"{RUNS}/{runs[1]}/report?baseline={runs[0]}")).text
    other = await asked(admin, await make_set(admin), strategies=["lexical"])
    unfinished = await admin.get(f"{RUNS}/{runs[0]}", params={"baseline": other})
    assert (unfinished.status_code, unfinished.json()["details"]["param"]) == (422, "baseline")
    while await evaluator().turn():
        pass
    assert (await admin.get(f"{RUNS}/{other}", params={"baseline": runs[0]})).status_code == 422
    assert (await admin.get(f"{RUNS}/{other}", params={"baseline": str(uuid4())})).status_code == 404


async def test_sets_are_for_owners_and_admins_of_the_organisation(clean_database: None, person: MakePerson) -> None:
    owner = person(role=Role.OWNER)
    member, stranger = person(owner.subject.organization_id), person(role=Role.OWNER)
    set_id = await make_set(owner)
    for path in (SETS, f"{SETS}/{set_id}", RUNS):
        assert (await member.get(path)).status_code == 403
    assert (await member.post(SETS, json={"name": "x", "questions": QUESTIONS})).status_code == 403
    assert (await stranger.get(SETS)).json()["items"] == []
    assert (await stranger.get(f"{SETS}/{set_id}")).status_code == 404
    assert (await put(stranger, f"{SETS}/{set_id}", {"name": "x", "questions": QUESTIONS})).status_code == 404
    assert (await stranger.post(f"{SETS}/{set_id}/runs")).status_code == 404
    assert (await stranger.delete(f"{SETS}/{set_id}")).status_code == 404
    assert (await put(owner, f"{SETS}/{set_id}", {"name": "New", "questions": QUESTIONS[:1]})).json()["questions"] == 1
    changed = (await owner.get(f"{SETS}/{set_id}")).json()
    assert (changed["name"], [one["id"] for one in changed["questions"]]) == ("New", ["badge"])


async def test_a_wrong_question_is_named(clean_database: None, person: MakePerson) -> None:
    owner = person(role=Role.OWNER)
    good = {"query": "What?", "relevant": [{"external_id": "a"}]}
    for wrong, field in (
        ([good, {"query": " ", "relevant": [{"external_id": "a"}]}], "questions.1.query"),
        ([good, good], "questions.1.id"),
        ([{"query": "What?", "relevant": []}], "questions.0.relevant"),
        ([{"query": "What?"}], "questions.0.relevant"),
        ([good | {"answerable": False}], "questions.0"),
        ([{"query": "What?", "answerable": False, "answers": ["This"]}], "questions.0"),
        ([{"query": "What?", "relevant": [{"grade": 1}]}], "questions.0.relevant.0"),
        ([{"query": "What?", "relevant": [{"external_id": "a", "grade": 0}]}], "questions.0"),
        ([{"query": "What?", "relevant": [{"external_id": "a", "grade": 11}]}], "questions.0.relevant.0.grade"),
        ([{"query": "What?\x00", "relevant": [{"external_id": "a"}]}], "questions.0.query"),
        ([{"query": f"{number}", "relevant": [{"external_id": "a"}]} for number in range(1001)], "questions"),
    ):
        answer = await owner.post(SETS, json={"name": "x", "questions": wrong})
        assert (answer.status_code, answer.json()["details"]["fields"][0]["field"]) == (422, field)
        assert "Value error" not in answer.text
    assert (await owner.get(SETS)).json()["items"] == []


async def test_a_judged_collection_is_imported(clean_database: None, person: MakePerson) -> None:
    owner = person(role=Role.OWNER)
    queries = (
        b'{"_id": "q1", "text": "What?"}\n{"_id": "q2", "text": "Not judged"}\n'
        b'{"_id": "q3", "text": "Not answered", "answerable": false}\n'
    )
    files = {
        "queries": ("queries.jsonl", queries),
        "qrels": ("qrels.tsv", b"query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"),
    }
    made = await owner.post(f"{SETS}/import", data={"name": "Imported"}, files=files)
    assert (made.status_code, made.json()["questions"], made.json()["judgements"]) == (201, 2, 2)
    questions = (await owner.get(f"{SETS}/{made.json()['set_id']}")).json()["questions"]
    assert [(one["external_id"], one["grade"]) for one in questions[0]["relevant"]] == [("d1", 2), ("d2", 0)]
    assert [(one["id"], one["answerable"]) for one in questions] == [("q1", True), ("q3", False)]
    for part, content, said in (
        ("queries", b"nonsense", "line 1"),
        ("qrels", b"header\nq1 d1 1\n", "line 2"),
        ("qrels", b"header\nq1\td1\t-1\nq1\td2\t1\n", "'q1'"),
        ("queries", b"\xff", "UTF-8"),
        ("queries", b"", "no question"),
    ):
        answer = await owner.post(f"{SETS}/import", data={"name": "x"}, files=files | {part: ("f", content)})
        assert (answer.status_code, answer.json()["details"]["fields"][0]["field"]) == (422, part)
        assert said in answer.json()["message"]


async def test_a_question_is_added_to_the_set_of_that_name_once(admin: Person, person: MakePerson) -> None:
    async def add(who: Person, **question: Any) -> Any:
        body = {"set_name": "From people", "question": QUESTIONS[0] | question}
        return await who.http.post("/admin/evaluations/questions", headers=who.headers, json=body)

    first = (await add(admin)).json()
    assert (first["name"], first["questions"]) == ("From people", 1)
    second = (await add(admin, id="other", answers=["The security desk"])).json()
    assert (second["set_id"], second["questions"]) == (first["set_id"], 2)
    again = (await add(admin, id="other", query="Said otherwise?", answers=["The desk"])).json()
    assert (again["set_id"], again["questions"]) == (first["set_id"], 2)
    shown = (await admin.http.get(f"{SETS}/{first['set_id']}", headers=admin.headers)).json()
    assert [(one["query"], one["answers"]) for one in shown["questions"]] == [
        (QUESTIONS[0]["query"], None),
        ("Said otherwise?", ["The desk"]),
    ]
    elsewhere = await add(person(role=Role.ADMIN))
    assert elsewhere.json()["set_id"] != first["set_id"]
    assert (await add(person())).status_code == 403
