import subprocess
import sys
from pathlib import Path

import pytest

from libs.inference.child import import_path_environment


@pytest.mark.parametrize("module", ["openvino", "openvino_genai", "nncf"])
def test_openvino_reports_nothing(module: str, tmp_path: Path):
    """Importing OpenVINO plainly would contact an analytics service and leave an identifier in the home directory."""
    code = f"""
import sys
seen = []
def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.gethostby")):
        seen.append((event, arguments))
        raise RuntimeError(event)
sys.addaudithook(refuse)
from libs.inference.openvino_runtime import import_{module}
import_{module}()
import openvino.tools.ovc.telemetry_utils as used
assert used.tm.__name__.endswith("telemetry_stub"), used.tm
assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]
assert not seen, seen
"""
    environment = {**import_path_environment(), "HOME": str(tmp_path)}
    for variable in ("CI", "TF_BUILD", "JENKINS_URL"):  # where it would have kept quiet by itself
        environment.pop(variable, None)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list(tmp_path.iterdir())
