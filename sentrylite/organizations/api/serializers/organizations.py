"""Organizations as JSON (organizations contract, section 1)."""

from typing import TYPE_CHECKING

from sentrylite.accounts.api.serializers import LETTER_AVATAR
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.access import ROLE_SCOPES, Access
from sentrylite.organizations.models import Organization, Role
from sentrylite.organizations.models.organization import Status

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes

ROLES: "list[shapes.Named]" = [{"id": role.value, "name": role.label} for role in Role]
# What a team's member is: there are no roles within teams.
TEAM_ROLES: "list[shapes.Named]" = [{"id": "contributor", "name": "Contributor"}]


class OrganizationSerializer(OutputSerializer):
    """The basic form. Pass `context={"url": …}`: the address of this server."""

    def to_representation(self, organization: Organization) -> "shapes.Organization":
        status = Status(organization.status)
        return {
            "avatar": LETTER_AVATAR,
            "dateCreated": timestamp(organization.created_at),
            "disableNewVisibilityFeatures": False,
            "features": self._features(organization),
            "id": str(organization.pk),
            "isEarlyAdopter": organization.is_early_adopter,
            # Clients send what comes next to the region's address: here it is this server's.
            "links": {"organizationUrl": self.context["url"], "regionUrl": self.context["url"]},
            "name": organization.name,
            "require2FA": False,
            "requireEmailVerification": False,
            "slug": organization.slug,
            "status": {"id": status.value, "name": status.label},
        }

    def _features(self, organization: Organization) -> list[str]:
        features = ["advanced-search", "api-keys", "invite-members"]
        if organization.open_membership:
            features.append("open-membership")
        if organization.allow_shared_issues:
            features.append("shared-issues")
        return features


class OrganizationDetailSerializer(OrganizationSerializer):
    """The detailed form, without teams and projects. Needs `access` in the context too."""

    def to_representation(self, organization: Organization) -> "shapes.OrganizationSettings":
        access: Access = self.context["access"]
        answer: shapes.OrganizationSettings = {
            **super().to_representation(organization),
            "access": sorted(access.scopes),
            "allowJoinRequests": organization.allow_join_requests,
            "allowSharedIssues": organization.allow_shared_issues,
            "attachmentsRole": organization.attachments_role,
            "availableRoles": ROLES,
            "dataScrubber": organization.data_scrubber,
            "dataScrubberDefaults": organization.data_scrubber_defaults,
            "defaultRole": organization.default_role,
            "enhancedPrivacy": organization.enhanced_privacy,
            "experiments": {},
            "isDefault": False,
            "onboardingTasks": [],
            "openMembership": organization.open_membership,
            "orgRoleList": [self._role(role, access) for role in Role],
            "pendingAccessRequests": 0,
            "quota": {
                "maxRate": 0,
                "maxRateInterval": 60,
                "accountLimit": 0,
                "projectLimit": 100,
            },
            "relayPiiConfig": organization.relay_pii_config or None,
            "safeFields": organization.safe_fields,
            "scrapeJavaScript": organization.scrape_javascript,
            "scrubIPAddresses": organization.scrub_ip_addresses,
            "sensitiveFields": organization.sensitive_fields,
            "storeCrashReports": organization.store_crash_reports,
            "teamRoleList": TEAM_ROLES,
            "trustedRelays": [],
        }
        if access.role is not None:
            answer["role"] = access.role
        return answer

    def _role(self, role: Role, access: Access) -> "shapes.OrganizationRole":
        return {
            "id": role.value,
            "isAllowed": access.manages(role),
            "isGlobal": role.is_global,
            "isRetired": False,
            "minimumTeamRole": "contributor",
            "name": role.label,
            "scopes": sorted(ROLE_SCOPES[role]),
        }
