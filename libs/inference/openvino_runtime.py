"""The one place that imports OpenVINO, or what imports it."""

import sys
from importlib import import_module
from types import ModuleType

_TELEMETRY = "openvino_telemetry"


def import_openvino() -> ModuleType:
    """openvino, without its telemetry. Raises RuntimeError as `import_openvino_genai` does."""
    return _import_quietly("openvino")


def import_openvino_genai() -> ModuleType:
    """openvino_genai, with OpenVINO's telemetry left out of the process.

    `import openvino` reports itself to a web analytics service as it is imported, without asking, and writes an
    identifier into the home directory. Its import of the telemetry package is guarded, with a stub that does nothing
    as the fallback; an import that fails selects the stub. Raises RuntimeError where OpenVINO came in another way
    first: the report would be gone already.
    """
    return _import_quietly("openvino_genai")


def import_nncf() -> ModuleType:
    """nncf, which calibrates models and reports through the same telemetry. Raises RuntimeError likewise."""
    return _import_quietly("nncf")


def _import_quietly(name: str) -> ModuleType:
    if sys.modules.get(_TELEMETRY) is not None:
        raise RuntimeError("OpenVINO was imported with its telemetry; import it through openvino_runtime only.")
    sys.modules[_TELEMETRY] = None  # pyright: ignore[reportArgumentType] - how Python marks a module as absent
    return import_module(name)
