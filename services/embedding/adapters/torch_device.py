"""What torch says of a GPU that is full or broken, in our words."""

from collections.abc import Callable
from typing import Any, TypeVar

from services.embedding.refusals import DeviceFullError, DeviceLostError

Made = TypeVar("Made")


def on_device(torch: Any, device: str, work: Callable[[], Made]) -> Made:
    """What `work` gives, which waits for the device by itself.

    Raises DeviceFullError where its memory doesn't suffice, DeviceLostError where the GPU answers this process no more.
    """
    problem: DeviceFullError | DeviceLostError
    try:
        return work()
    except torch.OutOfMemoryError as error:
        problem = DeviceFullError(str(error))
    except RuntimeError as error:
        # After some errors, a wrong address or a memory fault, CUDA gives the same one to every later call; others
        # were of this call alone.
        if device == "cpu" or _answers(torch):
            raise
        problem = DeviceLostError(str(error))
    # Not above: the error holds the frames of the pass, and these the tensors that fill the memory.
    if isinstance(problem, DeviceFullError):
        torch.cuda.empty_cache()
    raise problem


def _answers(torch: Any) -> bool:
    try:
        torch.cuda.synchronize()
    except Exception:  # noqa: BLE001 - whatever is raised, it is no answer
        return False
    return True
