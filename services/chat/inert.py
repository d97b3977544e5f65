"""Words of documents and people put into a Markdown file so that whatever opens it loads nothing."""

import re

# What makes an image or a link of what stands in brackets, here or by a definition elsewhere in the file.
_ADDRESS = re.compile(r"(?<=\])(?=[(\[:])")


def inert(text: str) -> str:
    """The text without what Markdown would take for a link, an image or HTML; it reads the same when shown.

    Within code, signs that make it so are seen: which backticks open code, viewers don't agree on.
    """
    # A backslash before "<" might be undone by one that stands there.
    return _ADDRESS.sub(r"\\", text).replace("<", "&lt;")
