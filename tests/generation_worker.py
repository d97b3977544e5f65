"""A worker process without a model: `python -m tests.generation_worker FOLDER`.

It counts its starts in FOLDER, is loaded once somebody opens FOLDER/loaded for writing, answers a count with the texts'
lengths, and dies in the middle of writing the reply to a prompt.
"""

import os
import sys
from pathlib import Path

from services.generation.engines import worker_protocol as protocol


def main() -> None:
    folder = Path(sys.argv[1])
    with (folder / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    (folder / "loaded").read_bytes()
    print(protocol.Ready(context_tokens=512).model_dump_json(), flush=True)
    for line in sys.stdin:
        command = protocol.commands.validate_json(line)
        if isinstance(command, protocol.Count):
            print(protocol.Counts(id=command.id, counts=[*map(len, command.texts)]).model_dump_json(), flush=True)
        elif isinstance(command, protocol.Generate):
            print('{"op": "text", "id"', end="", flush=True)
            os._exit(1)


main()
