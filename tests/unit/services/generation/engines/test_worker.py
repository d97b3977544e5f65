"""What a worker says of a command that fails, while others go on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TextIO

import pytest
import torch

from services.generation.engines import worker_protocol as protocol
from services.generation.engines.transformers_model import LoadedModel, load_model
from services.generation.engines.transformers_worker import TransformersDecoder
from services.generation.engines.worker import Commands, Worker
from tests.tiny_language_model import CONTEXT, TEMPLATE

NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + TEMPLATE
SYSTEM = protocol.ChatMessage(role="system", content="Be brief.")
USER = protocol.ChatMessage(role="user", content="Why?")


@pytest.fixture(scope="module")
def loaded(tiny_language_model: Path) -> LoadedModel:
    return load_model(tiny_language_model, torch.device("cpu"), torch.float32)


def with_template(loaded: LoadedModel, template: str) -> LoadedModel:
    tokenizer = copy(loaded.tokenizer)
    tokenizer.chat_template = template
    return replace(loaded, tokenizer=tokenizer)


class Asked:
    def __init__(self, commands: int, replies: TextIO) -> None:
        self._commands = commands
        self._replies = replies

    def send(self, command: protocol.Command) -> None:
        os.write(self._commands, command.model_dump_json().encode() + b"\n")

    def reply(self) -> protocol.Reply:
        return protocol.replies.validate_json(self._replies.readline())

    def ends(self, count: int) -> dict[int, protocol.Reply]:
        """The last replies to so many commands, by their ids."""
        ends: dict[int, protocol.Reply] = {}
        while len(ends) < count:
            if not isinstance(reply := self.reply(), protocol.Text | protocol.Ready):
                ends[reply.id] = reply
        return ends


@contextmanager
def working(loaded: LoadedModel) -> Iterator[Asked]:
    commands, asks = os.pipe()
    replies, answers = os.pipe()
    worker = Worker(TransformersDecoder(loaded, context_tokens=CONTEXT, max_running=2))

    def run() -> None:
        try:
            worker.run(Commands(commands), answers)
        finally:
            os.close(answers)

    thread = Thread(target=run)
    thread.start()
    try:
        with os.fdopen(replies) as read:
            yield Asked(asks, read)
    finally:
        os.close(asks)
        thread.join()
        os.close(commands)


def generate(request_id: int, *messages: protocol.ChatMessage) -> protocol.Generate:
    plain = {"max_tokens": 12, "temperature": 0, "top_p": 1, "top_k": None, "repetition_penalty": 1}
    return protocol.Generate.model_validate(
        {"id": request_id, "messages": list(messages), "stop": [], "seed": 1, "logprobs": None, **plain}
    )


def test_messages_that_the_template_refuses_are_refused_and_others_answered(loaded: LoadedModel):
    refusing = with_template(
        loaded, "{% if messages|length > 1 %}{{ raise_exception('one only') }}{% endif %}" + TEMPLATE
    )
    with working(refusing) as asked:
        asked.send(generate(1, USER, USER))
        asked.send(generate(2, USER))
        ends = asked.ends(2)
    assert ends[1] == protocol.Refused(id=1, reason="one only")
    assert isinstance(ends[2], protocol.Done)


def test_where_the_template_takes_no_system_message_the_user_says_it(loaded: LoadedModel):
    merged = protocol.ChatMessage(role="user", content="Be brief.\n\nWhy?")
    with working(with_template(loaded, NO_SYSTEM)) as asked:
        asked.send(generate(1, SYSTEM, USER))
        asked.send(protocol.CountPrompt(id=2, messages=[merged]))
        asked.send(generate(3, SYSTEM))
        ends = asked.ends(3)
    assert isinstance(ends[1], protocol.Done)
    assert ends[2] == protocol.Counts(id=2, counts=[ends[1].prompt_tokens])
    assert ends[3] == protocol.Refused(id=3, reason="no system role")
