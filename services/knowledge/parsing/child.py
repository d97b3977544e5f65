"""The process that reads documents: one after another from its standard input, until that ends or one fails.

Started by `sandbox.Sandbox`; whatever happens here ends at most this process.
"""

import os
import site
import sys
import sysconfig
from pathlib import Path
from typing import BinaryIO

from services.knowledge.parsing import wire
from services.knowledge.parsing.confinement import confine, limit_document
from services.knowledge.parsing.dispatch import parse_document
from services.knowledge.parsing.document import FailureCode, ParseFailure, ParseLimits, text_too_long
from services.knowledge.parsing.media_types import MediaType

_SYSTEM_FILES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")


def main() -> None:
    # Native code may write to the standard output, which would garble an answer.
    answers = os.fdopen(os.dup(1), "wb")
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    guarded = confine(int(sys.argv[1]), _readable())
    _send(answers, {"guarded": guarded})
    while _answer(sys.stdin.buffer, answers):
        pass


def _readable() -> list[str]:
    """Python, its packages, this package and the system's libraries: what importing a parser may open."""
    return [
        *{sys.prefix, sys.base_prefix, *site.getsitepackages(), *sysconfig.get_paths().values()},
        str(Path(__file__).parent),
        *_SYSTEM_FILES,
    ]


def _answer(requests: BinaryIO, answers: BinaryIO) -> bool:
    """Answers one request and returns whether this process is fit for another."""
    header = requests.read(wire.LENGTH_BYTES)
    if len(header) < wire.LENGTH_BYTES:
        return False
    request = wire.request_from(requests.read(wire.body_length(header)))
    limit_document(request.memory_bytes, request.cpu_seconds)
    try:
        data = requests.read(request.size)
        limits = ParseLimits(
            text_characters=request.text_characters, blocks=request.blocks, cpu_seconds=request.cpu_seconds
        )
        _write(answers, answer_to(request, data, limits))
    except ParseFailure as failure:
        _send(answers, {"failure": {"code": failure.code, "message": failure.message}})
        return failure.code is FailureCode.EMPTY
    except MemoryError:
        message = "Reading the document takes more memory than a document may use. Split it and try again."
        _send(answers, {"failure": {"code": FailureCode.TOO_LARGE, "message": message}})
        return False
    except Exception as error:  # noqa: BLE001 - whatever a parser stumbles over is this document's failure
        message = f"The document can't be read: it confuses the parser ({type(error).__name__})."
        _send(answers, {"failure": {"code": FailureCode.CORRUPT, "message": message}})
        return False
    return True


def answer_to(request: wire.Request, data: bytes, limits: ParseLimits) -> bytes:
    answer = wire.frame({"document": parse_document(MediaType(request.media_type), data, limits)})
    if len(answer) > wire.MAX_ANSWER_BYTES:
        raise text_too_long(limits)
    return answer


def _send(answers: BinaryIO, message: object) -> None:
    _write(answers, wire.frame(message))


def _write(answers: BinaryIO, framed: bytes) -> None:
    answers.write(framed)
    answers.flush()


if __name__ == "__main__":
    main()
