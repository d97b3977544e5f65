"""`footnote seed`: a demo user with an organisation of its own."""

import httpx

from libs.config.settings import Settings
from scripts.api import (
    DEMO_EMAIL,
    DEMO_ORGANIZATION,
    Api,
    ApiError,
    Credentials,
    address,
    credentials_file,
    store_new_credentials,
    stored_credentials,
)

CONFLICT = 409
UNAUTHENTICATED = 401


async def seed(settings: Settings) -> Credentials:
    """Makes the demo user, or finds the one of an earlier run. Twice changes nothing."""
    async with httpx.AsyncClient(base_url=address(settings), timeout=30, trust_env=False) as http:
        api = Api(http)
        known = stored_credentials(credentials_file(settings))
        if known:
            try:
                await api.sign_in(known)
            except ApiError as error:
                if error.status != UNAUTHENTICATED:
                    raise
            else:
                return known
        credentials = known or store_new_credentials(credentials_file(settings), DEMO_EMAIL)
        try:
            await api.call(
                "POST",
                "/auth/register",
                json={
                    "email": credentials.email,
                    "password": credentials.password,
                    "organization_name": DEMO_ORGANIZATION,
                },
            )
        except ApiError as error:
            if error.status != CONFLICT:
                raise
            raise ApiError(
                f"{credentials.email!r} has another password than {str(credentials_file(settings))!r} says. "
                "Correct it there, or use an API key (FOOTNOTE_API_KEY)."
            ) from error
        return credentials
