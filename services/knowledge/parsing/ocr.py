"""Text in pictures, by PP-OCRv6's models. Runs in the child. The only file that knows rapidocr.

Models and runtime are loaded with the first picture: they take a second and some 150 MB.
"""

import importlib
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from services.knowledge.parsing.ocr_lines import PictureLine, in_reading_order

# Text detection sees a page at this size, which letters of body text survive; recognition sees the original.
_DETECTION_SIDE = 960
LONGEST_SIDE = 2_000
_BLANK_CONTRAST = 24


def read_lines(picture: NDArray[np.uint8]) -> list[PictureLine]:
    """Returns the lines of text in a picture of shape (height, width, 3), blue first, in reading order."""
    if not picture.size or int(picture.max()) - int(picture.min()) < _BLANK_CONTRAST:
        return []
    result = _engine()(picture, use_cls=False)
    texts, boxes = cast("Sequence[str] | None", result.txts), cast("NDArray[np.float32] | None", result.boxes)
    if texts is None or boxes is None:
        return []
    found = [
        PictureLine(text, *map(float, box.min(axis=0)), *map(float, box.max(axis=0)))
        for text, box in zip(texts, boxes, strict=True)
        if text.strip()
    ]
    return in_reading_order(found, picture.shape[1])


@cache
def _engine() -> Any:
    rapidocr: Any = importlib.import_module("rapidocr")  # a second, and only with a picture
    # The runtime reports its use to its maker unless told not to. `sandbox` says so before it starts, too, and a child
    # has no socket to do it with.
    importlib.import_module("onnxruntime").disable_telemetry_events()
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": LONGEST_SIDE,
            "Det.limit_type": "max",
            "Det.limit_side_len": _DETECTION_SIDE,
            # One line at a time: together they are padded to the longest, which costs memory and letters.
            "Rec.rec_batch_num": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
