"""Which buckets a source may read, and with whose credentials: its own, or the operator's where they list the bucket.

Nothing else gives credentials: a machine's own role, environment or files would let an organisation read as the
operator.
"""

from functools import cached_property
from pathlib import Path
from uuid import UUID

from libs.config.settings import OperatorBucket, S3Sources
from libs.contracts.sources import S3Credentials, S3Place
from libs.fetch.connecting import CheckedBackend, resolve
from libs.s3.bucket import SILENCE_S, Bucket
from libs.s3.errors import S3Error
from libs.s3.location import BucketLocation, locate
from libs.s3.signing import Credentials
from libs.security.fields import FieldCipher, FieldKeyError, load_field_cipher
from services.knowledge.sources.models import SourceRow

KEY_NAME = "knowledge-fields"


class Buckets:
    def __init__(self, settings: S3Sources, secrets_dir: Path, *, silence_s: float = SILENCE_S) -> None:
        self._settings = settings
        self._secrets_dir = secrets_dir
        self._silence_s = silence_s

    def require_readable(self, place: S3Place, organization_id: UUID, *, has_credentials: bool) -> None:
        """Raises S3Error for an endpoint on a port that isn't open, and for a bucket without credentials."""
        self._location(place)
        if not has_credentials and self._listed(place, organization_id) is None:
            raise S3Error(
                "The source has no credentials, and your operator doesn't list the bucket for your organisation. "
                "Give an access key that may list the bucket and read its objects."
            )

    def encrypted(self, source_id: UUID, credentials: S3Credentials) -> bytes:
        text = f"{credentials.access_key_id}\n{credentials.secret_access_key.get_secret_value()}"
        return self._cipher.encrypt(text, _field(source_id))

    def open(self, row: SourceRow, place: S3Place) -> Bucket:
        """The source's bucket. Raises S3Error where it may not be read any more."""
        location = self._location(place)
        backend = CheckedBackend(tuple(self._settings.allowed_networks), resolve)
        return Bucket(location, self._credentials(row, place), backend, silence_s=self._silence_s)

    def _credentials(self, row: SourceRow, place: S3Place) -> Credentials:
        if row.secret is not None:
            try:
                access_key_id, _, secret = self._cipher.decrypt(row.secret, _field(row.id)).partition("\n")
            except FieldKeyError as error:
                raise S3Error(f"The source's credentials can't be read. {error}") from error
            return Credentials(access_key_id, secret)
        listed = self._listed(place, row.organization_id)
        if listed is None:
            raise S3Error("Your operator doesn't list the bucket for your organisation any more. Give credentials.")
        return Credentials(listed.access_key_id, listed.secret_access_key.get_secret_value())

    def _location(self, place: S3Place) -> BucketLocation:
        location = locate(place.bucket, place.region, place.endpoint)
        if location.address.port not in self._settings.ports:
            allowed = ", ".join(map(str, sorted(self._settings.ports)))
            raise S3Error(f"The endpoint is on port {location.address.port}. Objects are read from {allowed} only.")
        return location

    def _listed(self, place: S3Place, organization_id: UUID) -> OperatorBucket | None:
        return next(
            (
                listed
                for listed in self._settings.buckets
                if organization_id in listed.organizations
                and (listed.bucket, listed.endpoint, listed.region) == (place.bucket, place.endpoint, place.region)
                and place.prefix.startswith(listed.prefix)
            ),
            None,
        )

    @cached_property
    def _cipher(self) -> FieldCipher:
        return load_field_cipher(self._secrets_dir, KEY_NAME)


def _field(source_id: UUID) -> str:
    return f"sources.secret:{source_id}"
