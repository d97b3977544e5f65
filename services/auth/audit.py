"""What is told of each change to an organisation's members, groups and invitations: ids only, no addresses."""

from uuid import UUID

from libs.contracts.identity import Subject
from libs.contracts.organizations import Invitation
from libs.telemetry.logs import get_logger

log = get_logger(__name__)


def audit(action: str, organization_id: UUID, actor_id: UUID, **details: object) -> None:
    """To be called when the change is committed."""
    log.info(
        action,
        audit=True,
        organization_id=str(organization_id),
        actor_id=str(actor_id),
        **{name: str(value) for name, value in details.items()},
    )


def audit_by(subject: Subject, action: str, **details: object) -> None:
    audit(action, subject.organization_id, subject.user_id, **details)


def audit_joined(organization_id: UUID, user_id: UUID, invitation: Invitation) -> None:
    audit("member.joined", organization_id, user_id, invitation_id=invitation.id, invited_by=invitation.invited_by)
