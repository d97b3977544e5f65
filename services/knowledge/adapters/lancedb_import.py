"""LanceDB without what costs memory and serves nobody here: its REST client, centroids in statistics.

lancedb takes the models of `lance_namespace_urllib3_client` one by one, but that package's own module also builds a
client for remote catalogues: 0.7 s of processor time and 14 MB in each process. It is put off until somebody asks for
one of its names.
"""

import importlib.util
import os
import sys
from types import ModuleType
from typing import Any


def leave_out_centroids() -> None:
    """Of an index's statistics, where they take memory: nobody reads them, and LanceDB warns of them otherwise."""
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")


def put_off_rest_client() -> None:
    """Comes before the first import of `lancedb`."""
    name = "lance_namespace_urllib3_client"
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None or spec.submodule_search_locations is None:
        return
    loader = spec.loader
    package = ModuleType(name)
    package.__spec__ = spec
    package.__path__ = list(spec.submodule_search_locations)

    def load(attribute: str) -> Any:
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = load
    sys.modules[name] = package
