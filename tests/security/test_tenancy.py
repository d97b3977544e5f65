"""Two organisations with the same document names never see each other's passages."""

import json

from tests.stack import Stack

NAME = "Travel policy"


async def test_same_names_never_meet(stack: Stack) -> None:
    async with stack.member() as red, stack.member() as blue:
        red_id = await red.add(
            "The travel allowance is 41 euros a day. Zanzibar is approved.", NAME, external_id="t.md"
        )
        blue_id = await blue.add(
            "The travel allowance is 97 euros a day. Patagonia is approved.", NAME, external_id="t.md"
        )
        question = "How many euros a day is the travel allowance?"
        for member, own, foreign in (
            (red, "41", ("97", "Patagonia", blue_id)),
            (blue, "97", ("41", "Zanzibar", red_id)),
        ):
            answer = await member.ask(question)
            trace = await member.http.get(f"/chat/messages/{answer['message_id']}/trace")
            found = await member.http.post("/search", json={"query": question, "explain": True, "top_k": 100})
            listed = await member.http.get("/documents")
            streamed = await member.http.post("/chat", json={"message": question, "stream": True})
            again = await member.ask(question)
            everything = " ".join(
                [json.dumps(answer), trace.text, found.text, listed.text, streamed.text, json.dumps(again)]
            )
            assert own in answer["answer"]
            # Numbers alone may be part of ids and times; the words and ids below can't.
            assert not [mark for mark in foreign[1:] if mark in everything]
            assert foreign[0] not in answer["answer"]


async def test_anothers_document_is_unknown_in_every_call(stack: Stack) -> None:
    async with stack.member() as owner, stack.member() as stranger:
        document_id = await owner.add("The vault opens at nine.", "Vault")
        passages = (await owner.http.get(f"/documents/{document_id}/passages")).json()["items"]
        paths = [
            f"/documents/{document_id}",
            f"/documents/{document_id}/passages",
            f"/documents/{document_id}/passages/{passages[0]['chunk_id']}",
        ]
        for path in paths:
            assert (await owner.http.get(path)).status_code == 200
            assert (await stranger.http.get(path)).status_code == 404
        assert (await stranger.http.delete(f"/documents/{document_id}")).status_code == 404
        assert (await owner.http.get(paths[0])).status_code == 200
