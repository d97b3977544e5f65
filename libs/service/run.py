"""A service as a process."""

import gc
import os
import resource
import signal
from collections.abc import Callable
from typing import Literal

import uvicorn
from fastapi import FastAPI

from libs.config.settings import ProcessName, Settings, load_settings
from libs.service.stopping import OPEN_REQUESTS_S
from libs.stores.parent import SUPERVISOR, end_with_parent
from libs.telemetry.logs import setup_logs
from libs.telemetry.traces import setup_traces

KEEP_ALIVE_S = 15

Loop = Literal["auto", "asyncio"]

# What a service imports stays for good; looking through it again and again took a tenth to a quarter of its start.
# `serve` turns collection on again.
if SUPERVISOR in os.environ:
    gc.disable()


def serve(name: ProcessName, build: Callable[[Settings], FastAPI], loop: Loop = "auto") -> None:
    """Runs the service until SIGTERM or SIGINT; open requests get 10 s to end.

    `loop`: uvloop where it is installed, or asyncio's own.
    """
    settings = load_settings()
    end_with_supervisor()
    allow_many_connections()
    setup_logs(name, settings.log_level)
    setup_traces(name)
    app = build(settings)
    collect_what_comes_after()
    uvicorn.run(
        app,
        host=settings.gateway_host if name == "gateway" else settings.host,
        port=settings.port(name),
        loop=loop,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=OPEN_REQUESTS_S,
    )


def collect_what_comes_after() -> None:
    """Turns garbage collection on for whatever is made from here on; what there is already is never looked at again."""
    gc.freeze()
    gc.enable()


def end_with_supervisor() -> None:
    """Ends this process when its supervisor dies, so that none is left behind.

    Only under a supervisor that asks for it by its process id (FOOTNOTE_SUPERVISOR); a container's init doesn't.
    """
    supervisor = os.environ.get(SUPERVISOR)
    if supervisor:
        end_with_parent(int(supervisor), signal.SIGTERM)


def allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
