"""auth's parts, as its routes find them."""

from dataclasses import dataclass

from libs.clients.auth import Jwks
from services.auth.api_keys import ApiKeys
from services.auth.groups import Groups
from services.auth.invitations import Invitations
from services.auth.members import Members
from services.auth.organizations import Organizations
from services.auth.sessions import Sessions
from services.auth.share_links import ShareLinks
from services.auth.subjects import Subjects


@dataclass(frozen=True)
class Auth:
    sessions: Sessions
    subjects: Subjects
    api_keys: ApiKeys
    organizations: Organizations
    members: Members
    groups: Groups
    invitations: Invitations
    share_links: ShareLinks
    jwks: Jwks
