"""Settings that change while processes run: an operator's overrides file, read again whenever it changes.

The file is YAML in config/base.yaml's shape. It may be a mounted ConfigMap: those change by a symbolic link that moves.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import yaml
from pydantic import ValidationError

from libs.config.settings import Section, Settings

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
# What takes effect at once; anything else in the file is refused, since it would only seem to.
CHANGEABLE = frozenset(
    {("embedding", "model"), ("embedding", "also"), ("generation", "models"), ("generation", "routes")}
)
SECTIONS = frozenset(section for section, _ in CHANGEABLE)

Listener = Callable[[Settings], Awaitable[None]]


class OverridesError(ValueError):
    """The overrides file can't be used; the message says which key and why."""


class LiveSettings:
    """The settings in force. A file that can't be used changes nothing: what was in force stays, `problem` says why.

    Nor does one that became empty: an editor or a copy empties a file before it writes. A file that is gone overrides
    nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = settings
        self._path = settings.overrides_path
        self._seen: bytes | None = None
        self._listeners: list[Listener] = []
        self.current = settings
        self.problem: str | None = None
        self._changed()

    def on_change(self, listener: Listener) -> None:
        """`listener` is called with the settings after each change of them; what it raises is logged."""
        self._listeners.append(listener)

    async def watch(self) -> None:
        """Looks at the file every second, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Puts the file's content in force, where it is new and usable."""
        if not await asyncio.to_thread(self._changed):
            return
        for listener in self._listeners:
            try:
                await listener(self.current)
            except Exception:  # noqa: BLE001 - whatever one listener raises, the others are told
                _log.exception("a change of the settings was not carried out")

    async def check(self) -> None:
        """For health: raises OverridesError while the file's newest content isn't in force."""
        if self.problem:
            raise OverridesError(self.problem)

    def _changed(self) -> bool:
        """Reads the file; whether other settings are in force now."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            content = b"{}"
        except OSError as error:
            self.problem = f"{self._path.name} can't be read: {error.strerror}."
            self._seen = None  # what is read again is looked at again, the same or not
            return False
        if content == self._seen:
            return False
        self._seen = content
        try:
            merged = self._merged(content)
        except OverridesError as error:
            self.problem = f"{self._path.name}: {error}"
            _log.error("the overrides file can't be used; what was in force stays: %s", self.problem)
            return False
        self.problem = None
        changed, self.current = merged != self.current, merged
        if changed:
            _log.info("settings overridden by %s", self._path)
        return changed

    def _merged(self, content: bytes) -> Settings:
        if not content.strip() and self.current != self._base:
            raise OverridesError("it is empty. Delete it, or write {} into it, where nothing is to be overridden.")
        return overridden(self._base, content)


def overridden(settings: Settings, content: bytes) -> Settings:
    """The settings with the overrides file's content over them. Raises OverridesError."""
    try:
        overrides: Any = yaml.safe_load(content) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: of a date or number that is none
        raise OverridesError(f"it isn't YAML: {' '.join(str(error).split())}") from error
    if not isinstance(overrides, dict):
        raise OverridesError("it must hold sections such as `generation:`.")
    sections: dict[str, Any] = {}
    for section, values in cast("dict[str, Any]", overrides).items():
        if not isinstance(values, dict):
            raise OverridesError(f"{section!r} must be a section.")
        options = cast("dict[str, Any]", values)
        named = [f"{section}.{option}" for option in options if (section, option) not in CHANGEABLE]
        if section not in SECTIONS:
            named = named or [str(section)]
        if named:
            known = ", ".join(sorted(".".join(key) for key in CHANGEABLE))
            raise OverridesError(f"{named[0]} can't be changed while Footnote runs. These can: {known}.")
        kept: Section = getattr(settings, section)
        try:
            sections[section] = type(kept).model_validate({**dict(kept), **options})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, (section, *first["loc"])))
            raise OverridesError(f"{where}: {first['msg']}.") from error
    return settings.model_copy(update=sections)
