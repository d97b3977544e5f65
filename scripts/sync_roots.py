"""Which folder each source was synchronised from, so that another folder of the same name doesn't take its place."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from libs.config.settings import Settings
from scripts.api import ApiError, address, credentials_file, stored_credentials

if TYPE_CHECKING:
    from scripts.sync import Plan


class SyncedRoots:
    """The roots that `caller` synchronised from this machine, in a JSON file.

    They only ever stop a run: without the file, also where none can be written, the size of the plan does.
    """

    def __init__(self, file: Path, caller: str) -> None:
        self._file = file
        self._caller = caller

    @classmethod
    def of(cls, settings: Settings) -> "SyncedRoots":
        """Those of whoever `signed_in` signs in."""
        key = os.environ.get("FOOTNOTE_API_KEY")
        credentials = None if key else stored_credentials(credentials_file(settings))
        who = hashlib.sha256(key.encode()).hexdigest()[:16] if key else credentials.email if credentials else ""
        return cls(settings.home / "synced-folders.json", f"{who} {address(settings)}")

    def require(self, prefix: str, root: Path, plan: "Plan", *, documents: int) -> None:
        """Raises ApiError where the plan takes some of the source's `documents` and `root` may be the wrong folder.

        It is where they came from another, or where that isn't known and the plan takes more than half of them.
        """
        lost = len(plan.delete) + len(plan.update)
        name = prefix.removeprefix("sync:").removesuffix("/")
        known = self._known().get(self._key(prefix))
        if known not in (None, str(root.resolve())) and lost:
            raise ApiError(
                f"The source {name!r} was synchronised from {known!r} before. From {str(root.resolve())!r}, "
                f"{len(plan.delete)} of its {documents} documents would be deleted and {len(plan.update)} replaced. "
                "Give this folder a source of its own with --name, or say --yes if it takes the other's place."
            )
        if known is None and lost * 2 > documents:
            raise ApiError(
                f"The source {name!r} wasn't synchronised from this machine before, and {len(plan.delete)} of its "
                f"{documents} documents would be deleted and {len(plan.update)} replaced. Give this folder a source of "
                "its own with --name, or say --yes if they came from it."
            )

    def remember(self, prefix: str, root: Path) -> None:
        known = self._known() | {self._key(prefix): str(root.resolve())}
        written = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(json.dumps(known, indent=1))
            written.replace(self._file)

    def _key(self, prefix: str) -> str:
        return f"{self._caller} {prefix}"

    def _known(self) -> dict[str, str]:
        try:
            found = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType] - JSON
