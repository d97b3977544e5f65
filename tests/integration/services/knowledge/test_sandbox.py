"""What a hostile document can and can't do to the process that has it read."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from services.knowledge.parsing import sandbox as sandbox_module
from services.knowledge.parsing import wire
from services.knowledge.parsing.child import answer_to
from services.knowledge.parsing.document import FailureCode, ParseFailure, ParseLimits
from services.knowledge.parsing.sandbox import Sandbox
from tests.integration.services.knowledge import samples

MEGABYTE = 1024 * 1024
REPOSITORY = Path(__file__).resolve().parents[4]
# Minutes of work in native code: opening an element inside n others takes the HTML parser n steps.
ENDLESS = b"<div>" * 200_000 + b"x"


def children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [child for child in found if "services.knowledge.parsing.child" in child.cmdline()]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(children=1) as opened:
        yield opened
    assert children() == []


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "fine.txt"
    path.write_text("A fine document.")
    return path


@pytest.fixture
def endless_file(tmp_path: Path) -> Path:
    path = tmp_path / "endless.html"
    path.write_bytes(ENDLESS)
    return path


async def failure_code(sandbox: Sandbox, path: Path, limits: ParseLimits | None = None) -> FailureCode:
    with pytest.raises(ParseFailure) as raised:
        await sandbox.parse(path, path.name, limits)
    return raised.value.code


async def outcome(sandbox: Sandbox, path: Path) -> FailureCode | None:
    try:
        await sandbox.parse(path, path.name)
    except ParseFailure as failure:
        return failure.code
    return None


async def busy_child(parsing: "asyncio.Task[object]") -> psutil.Process:
    """The child once it is at work on its document."""
    while not parsing.done():
        for child in children():
            if child.cpu_times().user > 0.5:
                return child
        await asyncio.sleep(0.01)
    raise AssertionError(parsing)


async def still_works(sandbox: Sandbox, text_file: Path) -> bool:
    return (await sandbox.parse(text_file, "fine.txt")).text == "A fine document."


async def test_a_child_reads_many_documents_and_is_replaced_in_time(text_file: Path):
    pids: list[int] = []
    async with Sandbox(children=1, documents_per_child=2) as sandbox:
        for _ in range(3):
            await sandbox.parse(text_file, "fine.txt")
            pids += [child.pid for child in children()]
    assert len(pids) == 2  # none is kept after its last document
    assert pids[0] != pids[1]


async def test_a_child_reads_one_tenants_documents_and_waits_for_its_next(text_file: Path):
    started: list[set[int]] = [set()]
    async with Sandbox(children=1) as sandbox:
        for tenant in ("a", "a", "b", "a", "b"):
            await sandbox.parse(text_file, "fine.txt", tenant=tenant)
            started.append({child.pid for child in children()})
    assert [len(pids) for pids in started] == [0, 1, 1, 2, 2, 2]
    assert all(before <= after for before, after in itertools.pairwise(started))


async def test_whoever_waits_longest_goes_where_the_idle_hold_too_much(
    text_file: Path, monkeypatch: pytest.MonkeyPatch
):
    async with Sandbox(children=1) as sandbox:
        await sandbox.parse(text_file, "fine.txt", tenant="a")
        (first,) = children()
        monkeypatch.setattr(sandbox_module, "IDLE_BYTES", first.memory_info().rss * 3 // 2)
        await sandbox.parse(text_file, "fine.txt", tenant="b")
        (second,) = children()
        assert second.pid != first.pid
        monkeypatch.setattr(sandbox_module, "IDLE_BYTES", 0)
        await sandbox.parse(text_file, "fine.txt", tenant="b")
        assert children() == []


async def test_no_more_children_than_allowed(text_file: Path, monkeypatch: pytest.MonkeyPatch):
    # None waits for another's child, however quick it is.
    monkeypatch.setattr(sandbox_module, "START_AFTER_S", 0)
    async with Sandbox(children=2) as sandbox:
        documents = await asyncio.gather(*(sandbox.parse(text_file, "fine.txt") for _ in range(8)))
        assert len(documents) == 8
        assert len(children()) == 2


async def test_a_short_wait_for_a_busy_child_starts_no_other(text_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sandbox_module, "START_AFTER_S", 60)
    async with Sandbox(children=2) as sandbox:
        await asyncio.gather(*(sandbox.parse(text_file, "fine.txt") for _ in range(8)))
        assert len(children()) == 1


def test_a_text_that_takes_more_than_an_answer_may_is_too_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "MAX_ANSWER_BYTES", 100)
    request = wire.Request("text/plain", 300, 1_000, 10, 2**40, 60)
    with pytest.raises(ParseFailure) as raised:
        answer_to(request, b"x " * 150, ParseLimits())
    assert raised.value.code is FailureCode.TOO_LARGE


async def test_endless_native_code_ends_at_the_wall_clock(sandbox: Sandbox, endless_file: Path, text_file: Path):
    limits = ParseLimits(wall_seconds=0.5)
    assert await failure_code(sandbox, endless_file, limits) is FailureCode.TIMEOUT
    assert await still_works(sandbox, text_file)


async def test_endless_native_code_ends_at_its_processor_time(sandbox: Sandbox, endless_file: Path, text_file: Path):
    assert await failure_code(sandbox, endless_file, ParseLimits(cpu_seconds=1)) is FailureCode.TIMEOUT
    assert await still_works(sandbox, text_file)


async def test_processor_time_is_counted_per_document(sandbox: Sandbox, tmp_path: Path):
    path = tmp_path / "slow.md"
    # Far less than a second's work, also where a busy machine makes processors slow.
    path.write_text("# heading\n\nSome *text* here.\n\n" * 1000)
    await sandbox.parse(path, "slow.md")
    (child,) = children()
    while child.cpu_times().user < 2.5:
        await sandbox.parse(path, "slow.md", ParseLimits(cpu_seconds=1))


async def test_a_crash_fails_one_document(sandbox: Sandbox, endless_file: Path, text_file: Path):
    parsing = asyncio.create_task(sandbox.parse(endless_file, "endless.html"))
    (await busy_child(parsing)).send_signal(signal.SIGSEGV)
    with pytest.raises(ParseFailure) as raised:
        await parsing
    assert raised.value.code is FailureCode.CRASHED
    assert await still_works(sandbox, text_file)


async def test_an_idle_child_that_died_is_replaced(sandbox: Sandbox, text_file: Path):
    assert await still_works(sandbox, text_file)
    (child,) = children()
    child.kill()
    assert await still_works(sandbox, text_file)


async def test_cancelling_ends_the_child(sandbox: Sandbox, endless_file: Path, text_file: Path):
    parsing = asyncio.create_task(sandbox.parse(endless_file, "endless.html"))
    child = await busy_child(parsing)
    parsing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await parsing
    assert not child.is_running()
    assert await still_works(sandbox, text_file)


def test_children_die_with_their_parent(endless_file: Path):
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from services.knowledge.parsing.sandbox import Sandbox
        path = Path({str(endless_file)!r})
        asyncio.run(Sandbox().parse(path, path.name))
    """)
    parent = psutil.Popen([sys.executable, "-c", program], cwd=REPOSITORY)
    try:
        found: list[psutil.Process] = []
        while not found or found[0].cpu_times().user < 0.5:
            found = parent.children(recursive=True)
        parent.kill()
        _, alive = psutil.wait_procs(found, timeout=20)
        assert not alive
    finally:
        parent.kill()
        parent.wait()


async def test_memory_is_bounded(sandbox: Sandbox, tmp_path: Path, text_file: Path):
    path = tmp_path / "huge.txt"
    limits = ParseLimits(memory_bytes=100 * MEGABYTE)
    for megabytes in (40, 150):  # its text, or the file itself, is too much
        path.write_bytes(b"word " * (megabytes * MEGABYTE // 5))
        assert await failure_code(sandbox, path, limits) is FailureCode.TOO_LARGE
    assert await still_works(sandbox, text_file)


async def test_a_zip_bomb_fails_without_being_unpacked(sandbox: Sandbox, tmp_path: Path, text_file: Path):
    paragraph = b"<w:p><w:r><w:t>" + b"boom " * 2000 + b"</w:t></w:r></w:p>"
    opening = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    for name, body in (("many.docx", paragraph * 10_000), ("one.docx", b"<w:p><w:r><w:t>" + b" " * 100 * MEGABYTE)):
        path = tmp_path / name
        path.write_bytes(samples.with_part(samples.word(), "word/document.xml", opening + body))
        assert path.stat().st_size < MEGABYTE
        limits = ParseLimits(memory_bytes=300 * MEGABYTE)
        assert await failure_code(sandbox, path, limits) in (FailureCode.TOO_LARGE, FailureCode.CORRUPT)
    assert await still_works(sandbox, text_file)


async def test_limits_on_file_text_and_blocks(sandbox: Sandbox, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("paragraph\n\n" * 100)
    for limits in (ParseLimits(file_bytes=100), ParseLimits(text_characters=500), ParseLimits(blocks=50)):
        assert await failure_code(sandbox, path, limits) is FailureCode.TOO_LARGE


def document_with(doctype: str, text: str) -> bytes:
    document = f"""<!DOCTYPE w:document {doctype}>
        <w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>
        <w:t>seen</w:t><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"""
    return samples.with_part(samples.word(), "word/document.xml", document.encode())


async def test_entities_are_not_fetched(sandbox: Sandbox, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    entities = f'<!ENTITY file SYSTEM "file://{secret}"><!ENTITY net SYSTEM "http://127.0.0.1:9/x">'
    path = tmp_path / "a.docx"
    path.write_bytes(document_with(f'SYSTEM "file://{secret}" [{entities}]', "&file;&net;"))
    assert (await sandbox.parse(path, "a.docx")).text == "seen"


async def test_entities_are_not_expanded(sandbox: Sandbox, tmp_path: Path):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    path = tmp_path / "a.docx"
    path.write_bytes(document_with(f'[<!ENTITY l0 "ha">{laughs}]', "&l11;"))
    assert await outcome(sandbox, path) in (None, FailureCode.CORRUPT)


async def test_references_to_files_are_not_followed(sandbox: Sandbox, tmp_path: Path):
    (tmp_path / "secret.txt").write_text("SECRET")
    pages = {
        "a.html": '<p>seen</p><iframe src="secret.txt"></iframe><object data="secret.txt"></object><link href="secret.txt">',
        "a.md": "seen\n\n![](secret.txt)\n\n{% include 'secret.txt' %}\n\n<!--#include file='secret.txt' -->",
    }
    for name, page in pages.items():
        (tmp_path / name).write_text(page)
        assert "SECRET" not in (await sandbox.parse(tmp_path / name, name)).text


async def test_a_part_outside_the_package_is_not_read(sandbox: Sandbox, tmp_path: Path):
    path = tmp_path / "a.docx"
    path.write_bytes(samples.with_part(samples.word(), "_rels/.rels", b"""<Relationships><Relationship
        Type="x/officeDocument" Target="../../../../../../../etc/passwd"/></Relationships>"""))  # fmt: skip
    assert await failure_code(sandbox, path) is FailureCode.CORRUPT


@pytest.mark.parametrize("cut", range(0, 1300, 150))
async def test_damaged_packages_and_pdfs_end_as_a_failure_or_as_text(sandbox: Sandbox, tmp_path: Path, cut: int):
    for name, content in (
        ("a.docx", samples.word("<w:p><w:r><w:t>x</w:t></w:r></w:p>")),
        ("a.pdf", samples.pdf([[(12, 72, 700, "text")]])),
    ):
        path = tmp_path / name
        path.write_bytes(content[:cut] + b"\xff\x00<>" + content[cut + 4 :])
        assert await outcome(sandbox, path) in (None, FailureCode.CORRUPT, FailureCode.EMPTY)


async def test_a_missing_file_is_not_the_documents_failure(sandbox: Sandbox, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        await sandbox.parse(tmp_path / "gone.txt", "gone.txt")


async def test_a_failing_part_inside_the_package(sandbox: Sandbox, tmp_path: Path):
    path = tmp_path / "a.docx"
    path.write_bytes(samples.word("<w:p><w:r><w:t>x</w:t></w:r></w:p>"))
    with zipfile.ZipFile(path) as package:
        offset = package.getinfo("word/document.xml").header_offset
    damaged = bytearray(path.read_bytes())
    damaged[offset + 60 : offset + 90] = bytes(30)
    path.write_bytes(damaged)
    assert await failure_code(sandbox, path) is FailureCode.CORRUPT


ATTEMPTS = """
import os, socket, subprocess, sys
from services.knowledge.parsing.confinement import confine
guarded = confine(os.getppid(), [sys.prefix, sys.base_prefix])
def refused(attempt):
    try:
        attempt()
    except OSError:
        return True
    return False
print(guarded)
print([
    refused(lambda: open({secret!r})),
    refused(lambda: os.listdir("/")),
    refused(lambda: open({new!r}, "w")),
    refused(lambda: os.truncate({secret!r}, 0)),
    refused(lambda: os.unlink({secret!r})),
])
print([
    refused(lambda: socket.socket()),
    refused(lambda: socket.socket(socket.AF_UNIX)),
    refused(lambda: subprocess.run(["true"])),
    refused(lambda: os.kill(os.getppid(), 0)),
])
"""


def test_a_confined_process_reaches_no_file_socket_or_process(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("kept")
    program = ATTEMPTS.format(secret=str(secret), new=str(tmp_path / "new"))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY, env={**os.environ}
    )
    guarded, files, calls = (eval(line) for line in done.stdout.splitlines())  # noqa: S307 - our own output
    if set(guarded) != {"files", "calls"}:
        pytest.skip(f"this kernel guards only {guarded}")
    assert all(files)
    assert all(calls)
    assert secret.read_text() == "kept"
