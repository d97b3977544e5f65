"""What is sent as Markdown, many at a time, and what as the file that it is."""

import json
from pathlib import Path

import httpx

from scripts.api import Api
from scripts.sending import Sender


async def test_a_plain_text_is_sent_as_a_file_for_its_angle_brackets_are_words(tmp_path: Path):
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.path == "/documents/batch":
            return httpx.Response(202, json={"items": [{"document_id": "of the batch"}]})
        return httpx.Response(202, json={"document_id": "of the file"})

    (tmp_path / "plain.txt").write_text("Connect to <host> with <user>.")
    (tmp_path / "page.md").write_text("# A page\n\nWords.")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://footnote") as http:
        sender = Sender(Api(http), frozenset({".txt", ".md"}), {})
        for name in ("plain.txt", "page.md"):
            await sender.send(tmp_path / name, name)
        await sender.flush()
    assert sender.sent.accepted == {"of the file": "plain.txt", "of the batch": "page.md"}
    file, batch = requests
    assert file.headers["Content-Type"].startswith("multipart/form-data")
    assert b"<host> with <user>" in file.content
    assert [one["external_id"] for one in json.loads(batch.content)["documents"]] == ["page.md"]
