"""Pictures: the text that can be read in them, in paragraphs; the frames of a TIFF count as pages."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, ImageSequence

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.formats.page_text import Headings, add_page, lines_of_picture
from services.knowledge.parsing.ocr import LONGEST_SIDE, read_lines

_MOST_PIXELS = 100_000_000
_CORRUPT = "The file isn't a readable picture: it is damaged or incomplete."
_ANIMATED = ("GIF", "WEBP", "PNG")


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    builder = DocumentBuilder(limits)
    try:
        with Image.open(io.BytesIO(data)) as image:
            several = image.format not in _ANIMATED and getattr(image, "n_frames", 1) > 1
            for number, frame in enumerate(ImageSequence.Iterator(image), start=1):
                _check_size(frame)
                builder.page = number if several else None
                _add(builder, _pixels(frame))
                builder.close()
                if not several:
                    break
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ParseFailure(FailureCode.CORRUPT, _CORRUPT) from error
    return builder.build(None)


def _add(builder: DocumentBuilder, pixels: NDArray[np.uint8]) -> None:
    lines = lines_of_picture(read_lines(pixels), pixels.shape[0])
    add_page(builder, 0, lines, Headings({0: lines}, ()))


def _check_size(frame: Image.Image) -> None:
    if frame.width * frame.height > _MOST_PIXELS:
        message = (
            f"The picture has more than {_MOST_PIXELS // 1_000_000} million pixels. Make it smaller and try again."
        )
        raise ParseFailure(FailureCode.TOO_LARGE, message)


def _pixels(frame: Image.Image) -> NDArray[np.uint8]:
    """The picture upright and opaque on white, no longer than OCR looks at, blue first."""
    frame.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(frame)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if upright.has_transparency_data:
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
    return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[:, :, ::-1])
