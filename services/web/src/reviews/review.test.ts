import { expect, test } from "vitest";

import type { Review } from "../api/admin-contracts";
import type { Source } from "../api/contracts";
import { fileOf } from "./question-file";
import { decisionOf, documentsOf, factsOf, wanting, type DraftedQuestion } from "./review";

const ASKED = "Who feeds the office cat?";
const DRAFT: DraftedQuestion = {
  setName: " From people ",
  query: `${ASKED} `,
  answerable: true,
  answers: "",
  documentIds: ["a", "b"],
};
const RATED: Review = {
  message_id: "m",
  reasons: ["rated_low"],
  question: ASKED,
  asked: 1,
  people: 1,
  last_at: "2026-01-05T09:30:00",
  feedback: { rating: 1, comment: "" },
  answer: "The porter.",
  sources: [],
  outcome: "answered",
  confidence: 0.5,
  owned: false,
};

test("the words that were asked are sent only where they were changed", () => {
  const relevant = [{ document_id: "a" }, { document_id: "b" }];
  const made = { decision: "make_question", set_name: "From people", relevant };
  expect(decisionOf(DRAFT, ASKED)).toEqual(made);
  const edited = { ...DRAFT, query: "Who feeds the cat?", answers: "the porter\n\n  nobody  \n" };
  expect(decisionOf(edited, ASKED)).toEqual({ ...made, query: "Who feeds the cat?", answers: ["the porter", "nobody"] });
});

test("of a question that no document answers neither documents nor answers are sent", () => {
  const unanswerable = { ...DRAFT, answerable: false, answers: "the porter" };
  const made = { decision: "make_question", set_name: "From people", answerable: false };
  expect(decisionOf(unanswerable, ASKED)).toEqual(made);
});

test.each([
  [{}, ""],
  [{ answerable: false, documentIds: [] }, ""],
  [{ query: " " }, "Write the question."],
  [{ setName: "" }, "Name the set that it goes into."],
  [{ documentIds: [] }, "Choose a document that answers it."],
  [{ answers: "one\ntwo\nthree" }, "Give at most 2 answers."],
])("with %j is wanting: %j", (change, said) => {
  expect(wanting({ ...DRAFT, ...change }, 2)).toBe(said);
});

test("of an answer's documents each is named once, and none that the reader may not see", () => {
  const source = (document_id: string, title: string, excerpt: string) => ({ document_id, title, excerpt }) as Source;
  expect(documentsOf([source("a", "Rules", "…"), source("b", "", ""), source("a", "Rules", "…")])).toEqual([
    { id: "a", title: "Rules" },
  ]);
});

test("a rated answer tells its outcome, a question of several people how often it was asked", () => {
  expect(factsOf(RATED)).toEqual(["from documents", "confidence 0.50", "5 Jan 2026, 09:30"]);
  expect(factsOf({ ...RATED, reasons: ["abstained"], outcome: "abstained" })).toEqual(["5 Jan 2026, 09:30"]);
  const asked: Review = { ...RATED, asked: 12, people: 4, outcome: null, confidence: null };
  expect(factsOf(asked)).toEqual(["asked 12 times by 4 people", "5 Jan 2026, 09:30"]);
});

test("a set is a file named after it, with what the API takes and nothing else", async () => {
  const questions = [{ id: "1", query: ASKED, relevant: [{ document_id: "a", grade: 1 }] }];
  const file = fileOf({ set_id: "s", name: "From people: Übung/1", questions });
  expect(file.name).toBe("from-people-übung-1.json");
  expect(JSON.parse(await file.text())).toEqual({ name: "From people: Übung/1", questions });
  expect(fileOf({ set_id: "s", name: "…", questions }).name).toBe("questions.json");
});
