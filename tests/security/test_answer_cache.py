"""An answer is given again only to those who may read what it was made of."""

from typing import Any

import httpx

from tests.security.test_membership import SECRET, join, organization_of, statuses_after
from tests.stack import Stack

QUESTION = "How many euros is the settlement?"
REWORDED = "How many euros exactly is the settlement?"


async def ask(http: httpx.AsyncClient, message: str = QUESTION) -> tuple[bool, bool]:
    """Whether the answer came from the cache, and whether anything told holds the secret."""
    answer = await http.post("/chat", json={"message": message})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    trace = await http.get(f"/chat/messages/{told['message_id']}/trace")
    return told["metadata"]["cached"], SECRET in answer.text + trace.text


async def test_readers_of_different_access_sets_never_share(stack: Stack) -> None:
    async with stack.member() as ada, stack.client() as bob, stack.client() as eve, stack.member() as stranger:
        organization = await organization_of(ada)
        bob_id, _ = await join(ada, bob), await join(ada, eve)
        group = (await ada.http.post(f"{organization}/groups", json={"name": "Legal"})).json()["id"]
        seat = f"{organization}/groups/{group}/members/{bob_id}"
        assert (await ada.http.put(seat)).status_code == 204
        document_id = await ada.add(f"The settlement is {SECRET} euros.", "Settlement", access={"groups": [group]})
        await statuses_after(bob, [f"/documents/{document_id}"], 200)

        assert [await ask(bob), await ask(bob)] == [(False, True), (True, True)]
        assert await ask(bob, REWORDED) == (True, True)
        for http in (eve, stranger.http):
            assert not (await ask(http))[1]
            assert not (await ask(http, REWORDED))[1]

        assert (await ada.http.delete(seat)).status_code == 204
        await statuses_after(bob, [f"/documents/{document_id}"], 404)
        # Now as colleagues see it, from colleagues' cache if need be.
        assert not (await ask(bob))[1]
        assert not (await ask(bob, REWORDED))[1]

        assert (await ada.http.delete(f"{organization}/members/{bob_id}")).status_code == 204
        await statuses_after(bob, ["/documents"], 401)
        assert (await bob.post("/chat", json={"message": QUESTION})).status_code == 401
