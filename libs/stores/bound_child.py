"""`python -m libs.stores.bound_child PARENT MODULE …`: runs the module in a process that ends with its parent."""

import runpy
import signal
import sys

from libs.stores.parent import end_with_parent

if __name__ == "__main__":
    _, parent, module, *arguments = sys.argv
    end_with_parent(int(parent), signal.SIGKILL)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
