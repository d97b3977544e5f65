"""How long a server elsewhere asks to be left alone."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def stated_wait_s(headers: Mapping[str, str], now: datetime, *, otherwise: int, most: int) -> int:
    """Whole seconds, 1 to `most`, by Retry-After, which is a number of them or a date; `otherwise` where it is neither.

    RFC 9110, section 10.2.3. `headers` must not tell upper case from lower.
    """
    stated = headers.get("Retry-After", "").strip()
    if _NUMBER.fullmatch(stated):
        seconds = float(stated)
    else:
        try:
            date = parsedate_to_datetime(stated)
        except (ValueError, TypeError, OverflowError):
            return otherwise
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(1, math.ceil(seconds)), most)
