"""The one place that imports OpenVINO."""

import sys
from types import ModuleType

_TELEMETRY = "openvino_telemetry"


def import_openvino_genai() -> ModuleType:
    """openvino_genai, with OpenVINO's telemetry left out of the process.

    `import openvino` reports itself to a web analytics service as it is imported, without asking, and writes an
    identifier into the home directory. Its import of the telemetry package is guarded, with a stub that does nothing
    as the fallback; an import that fails selects the stub. Raises RuntimeError where OpenVINO came in another way
    first: the report would be gone already.
    """
    if sys.modules.get(_TELEMETRY) is not None:
        raise RuntimeError("OpenVINO was imported with its telemetry; import it through openvino_runtime only.")
    sys.modules[_TELEMETRY] = None  # pyright: ignore[reportArgumentType] - how Python marks a module as absent
    import openvino_genai  # noqa: PLC0415 - only after the line above

    return openvino_genai
