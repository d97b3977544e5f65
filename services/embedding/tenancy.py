"""Whose request it is, as far as a cache must tell tenants apart."""

from typing import Any

import jwt

from libs.clients.context import RequestContext


def tenant_of(context: RequestContext) -> str:
    """The organisation that the user's token names, else the whole header; "" for work without a user.

    The token isn't verified again: it comes from one of Footnote's own services, which did, and only chooses whose
    vectors may be found.
    """
    if not context.authorization:
        return ""
    token = context.authorization.partition(" ")[2].strip()
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return str(claims["org"])
    except (jwt.InvalidTokenError, KeyError):
        return context.authorization
