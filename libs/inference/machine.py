"""What a measurement was made on: the processor, GPUs and libraries, without importing any of them."""

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel

LIBRARIES = ("openvino", "torch", "transformers", "sentence-transformers")
# Of the processor's abilities those that decide how matrices are multiplied. x86's sme is another than ARM's: it
# encrypts memory.
_X86_INSTRUCTIONS = re.compile(r"sse4|avx|amx|fma|f16c")
_ARM_INSTRUCTIONS = re.compile(r"asimd|sve|sme|bf16|i8mm")
_CPUINFO = Path("/proc/cpuinfo")
_GPUS = Path("/proc/driver/nvidia/gpus")


class Machine(BaseModel):
    """`cores` are those that this process may use; `instructions` are empty where the system doesn't list them."""

    processor: str
    cores: int
    instructions: list[str]
    gpus: list[str]
    libraries: dict[str, str]

    def differences(self, other: "Machine") -> list[str]:
        """In words, what makes measurements of this machine say nothing of the other; none where they do.

        The number of cores isn't one: speeds are told by processor second.
        """
        told: list[str] = []
        if self.processor != other.processor:
            told.append(f"{other.processor} instead of {self.processor}")
        lacking = sorted({*self.instructions} - {*other.instructions})
        added = sorted({*other.instructions} - {*self.instructions})
        told += [f"without {' '.join(lacking)}"] * bool(lacking) + [f"with {' '.join(added)} besides"] * bool(added)
        if self.gpus != other.gpus:
            told.append(f"the GPUs {', '.join(other.gpus) or 'none'} instead of {', '.join(self.gpus) or 'none'}")
        return told + [
            f"{name} {other.libraries.get(name, 'absent')} instead of {self.libraries.get(name, 'absent')}"
            for name in sorted({*self.libraries, *other.libraries})
            if self.libraries.get(name) != other.libraries.get(name)
        ]


def this_machine() -> Machine:
    """As it is now."""
    lines = _read(_CPUINFO).splitlines()
    return Machine(
        processor=_value(lines, "model name") or _arm(lines) or platform.processor() or platform.machine(),
        cores=_usable_cores(),
        instructions=_instructions(lines),
        gpus=sorted(_value(_read(gpu).splitlines(), "Model") for gpu in _GPUS.glob("*/information")),
        libraries={name: found for name in LIBRARIES if (found := _version(name))},
    )


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _instructions(lines: Sequence[str]) -> list[str]:
    x86 = filter(_X86_INSTRUCTIONS.match, _value(lines, "flags").split())
    return sorted([*x86, *filter(_ARM_INSTRUCTIONS.match, _value(lines, "Features").split())])


def _arm(lines: Sequence[str]) -> str:
    """ARM's processors give numbers for names."""
    implementer, part = _value(lines, "CPU implementer"), _value(lines, "CPU part")
    return f"ARM {implementer} {part}" if part else ""


def _value(lines: Sequence[str], key: str) -> str:
    """The first processor's; the others of a machine are alike."""
    found = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in found if name.strip() == key), "")


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
