"""`footnote doctor`: what is missing, what is unhealthy, what to do about it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Generator
from dataclasses import dataclass

import httpx
from rich.console import Console

from libs.config.settings import PROCESSES, SERVICES, ProcessName, Settings
from libs.security.keys import OPERATOR, USER_TOKENS
from libs.stores.weights import WeightsError, WeightsMissingError, WeightsStore
from libs.stores.weights_catalogue import CATALOGUE
from scripts.api import ApiError
from scripts.embedding_switch import status, summary, unserved

LEAST_FREE_BYTES = 2_000_000_000
LEAST_OPEN_FILES = 4_096


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `advice` says what to do where it isn't well."""

    what: str
    ok: bool
    state: str
    advice: str = ""


async def doctor(settings: Settings, console: Console) -> bool:
    """Prints every finding; true when all is well."""
    findings = [*_machine(settings), *_weights(settings), *_secrets(settings)]
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        reports = await asyncio.gather(*(_process(settings, name, http) for name in PROCESSES))
    findings += [finding for report in reports for finding in report]
    findings += await _indexes(settings)
    for finding in findings:
        mark = "[green]ok     [/green]" if finding.ok else "[red]problem[/red]"
        console.print(f"{mark} {finding.what:24} {finding.state}", highlight=False)
        if not finding.ok and finding.advice:
            console.print(f"        → {finding.advice}", highlight=False)
    return all(finding.ok for finding in findings)


def _machine(settings: Settings) -> Generator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info >= (3, 11), version, "Install Python 3.11 or newer.")
    existing = next(path for path in (settings.home.absolute(), *settings.home.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    yield Finding(
        "disk", free > LEAST_FREE_BYTES, f"{free / 1e9:.0f} GB free", f"Free some space below {str(existing)!r}."
    )
    writable = os.access(existing, os.W_OK)
    yield Finding(
        "home", writable, str(settings.home), "This user can't write there; correct it, or set FOOTNOTE_HOME."
    )
    files = os.sysconf("SC_OPEN_MAX")
    yield Finding("open files", files >= LEAST_OPEN_FILES, f"{files} allowed", "Raise the limit: ulimit -n 20000.")


def _weights(settings: Settings) -> Generator[Finding]:
    name = settings.embedding.model
    own = settings.models_dir / name
    if name in settings.embedding.remotes:
        yield Finding(f"weights {name}", ok=True, state="on another server")
        return
    if name not in CATALOGUE:
        advice = f"Put the model's folder at {str(own)!r}, or change embedding.model."
        yield Finding(f"weights {name}", own.is_dir(), "an own folder" if own.is_dir() else "no such folder", advice)
        return
    install = f"Run: footnote models install {name}"
    try:
        WeightsStore(settings.models_dir).verify(name)
        yield Finding(f"weights {name}", ok=True, state="installed, hash checked")
    except WeightsMissingError:
        yield Finding(f"weights {name}", ok=False, state="not installed", advice=install)
    except WeightsError as error:
        yield Finding(f"weights {name}", ok=False, state=str(error), advice=install)


def _secrets(settings: Settings) -> Generator[Finding]:
    missing = [
        name for name in (*SERVICES, OPERATOR, USER_TOKENS) if not (settings.secrets_dir / f"{name}.key").exists()
    ]
    state = f"missing: {', '.join(missing)}" if missing else "every key is there"
    yield Finding("secrets", not missing, state, "footnote up makes them.")


async def _process(settings: Settings, process: ProcessName, http: httpx.AsyncClient) -> list[Finding]:
    url = settings.url(process)
    try:
        report = (await http.get(f"{url}/health/detailed")).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        log = settings.logs_dir / f"{process}.log"
        advice = f"Start everything with 'footnote up'; if it runs, look into {str(log)!r}."
        return [Finding(process, ok=False, state=f"no answer at {url} ({type(error).__name__})", advice=advice)]
    parts = [
        Finding(f"{process}: {name}", check["ok"], f"{check['ms']} ms" if check["ok"] else check["error"])
        for name, check in report["checks"].items()
    ]
    state = f"{report['status']}, up {report['uptime_s']:.0f} s"
    return [Finding(process, report["status"] == "ready", state), *parts]


async def _indexes(settings: Settings) -> list[Finding]:
    """Nothing where knowledge or embedding doesn't answer: their own findings say so."""
    try:
        found = await status(settings)
    except ApiError:
        return []
    missing = ", ".join(unserved(found))
    state = f"made with {missing}, which isn't served: searches go by words alone" if missing else summary(found)
    advice = "Name that model in embedding.also until 'footnote models status' says that all are switched."
    return [Finding("indexes", not missing, state, advice)]
