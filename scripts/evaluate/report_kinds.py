"""What every kind of evaluation does with its report: read an earlier one, compare, show and write."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from rich.console import Console

from libs.contracts.evaluation import Verdict
from libs.evaluation.folder_format import first_finding
from libs.evaluation.gate import IncomparableError
from scripts.api import ApiError

Report = TypeVar("Report", bound=BaseModel)


@dataclass(frozen=True)
class ReportKind(Generic[Report]):
    """`stem` is the name of a report's files, `noun` what a file that holds none isn't."""

    model: type[Report]
    noun: str
    stem: Callable[[Report], str]
    show: Callable[[Report, Console], None]
    render: Callable[[Report, Verdict | None], str]
    judge: Callable[[Report, Report], Verdict]

    def read(self, file: Path) -> Report:
        """Raises ApiError."""
        try:
            return self.model.model_validate_json(file.read_bytes())
        except OSError as error:
            raise ApiError(f"{file} can't be read: {error.strerror}.") from error
        except ValidationError as error:
            raise ApiError(f"{file} isn't {self.noun}: {first_finding(error)[1]}.") from error

    def write(self, found: Report, folder: Path, verdict: Verdict | None = None) -> list[Path]:
        """The report as JSON, to compare with later, and as an HTML page with plots."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^\w.-]+", "-", self.stem(found))
        data, page = folder / f"{stem}.json", folder / f"{stem}.html"
        data.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        page.write_text(self.render(found, verdict), encoding="utf-8")
        return [data, page]

    def conclude(self, found: Report, baseline: Report | None, out: Path, console: Console) -> bool:
        """False where it is worse than the baseline. Raises ApiError where the two can't be compared."""
        verdict: Verdict | None = None
        self.show(found, console)
        if baseline:
            try:
                verdict = self.judge(found, baseline)
            except IncomparableError as error:
                self.write(found, out)
                raise ApiError(f"{error} Make a new one with --out.") from error
        for file in self.write(found, out, verdict):
            console.print(f"Written: {file}", highlight=False)
        if verdict:
            _show_verdict(verdict, console)
        return verdict is None or verdict.passed


def _show_verdict(verdict: Verdict, console: Console) -> None:
    for reason in verdict.reasons:
        console.print(f"Worse than the baseline: {reason}", style="red", highlight=False)
    if verdict.passed:
        console.print("Not worse than the baseline.")
