"""Projects as JSON (projects contract, section 1)."""

import colorsys
import hashlib
from typing import TYPE_CHECKING, Any

from sentrylite.accounts.api.serializers import LETTER_AVATAR
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import Project, ProjectSettings, Team
from sentrylite.organizations.models.organization import Status
from sentrylite.releases.api.serializers.releases import ReleaseSerializer
from sentrylite.releases.models import Release

from .organizations import OrganizationSerializer

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


def color(slug: str) -> str:
    """A project's own colour, as `#rrggbb`: a hue from its slug."""
    digest = hashlib.md5(slug.upper().encode(), usedforsecurity=False).hexdigest()
    rgb = colorsys.hls_to_rgb(int(digest[:3], 16) / 4096, 0.5, 0.5)
    return "#" + "".join(f"{int(channel * 255):02x}" for channel in rgb)


# What every project may have done with its events.
FEATURES = ["custom-inbound-filters", "discard-groups", "rate-limits", "servicehooks"]


def features(project: Project) -> list[str]:
    return [*FEATURES, "releases"] if project.latest_version is not None else FEATURES


class ProjectSerializer(OutputSerializer):
    """The basic form. Pass `context={"access": …}`; it needs the project's `team_list`,
    `latest_version` and `is_bookmarked`. With `points` it has stats."""

    def to_representation(self, project: Project) -> "shapes.Project":
        answer: shapes.Project = {
            "avatar": LETTER_AVATAR,
            "color": color(project.slug),
            "dateCreated": timestamp(project.created_at),
            "features": features(project),
            "firstEvent": optional_timestamp(project.first_event_at),
            "hasAccess": self.has_access(project),
            "id": str(project.pk),
            "isBookmarked": project.is_bookmarked,
            "isInternal": False,
            "isMember": self.is_member(project),
            "isPublic": False,
            "name": project.name,
            "platform": project.platform or None,
            "slug": project.slug,
            "status": "active" if project.status == Status.ACTIVE else "deleted",
        }
        if project.points is not None:
            answer["stats"] = project.points
        return answer

    def access_to(self, project: Project) -> Access:
        """The caller's rights in the project's organization."""
        return self.context["access"]

    def has_access(self, project: Project) -> bool:
        return self.access_to(project).reaches_project(_ids(project.team_list))

    def is_member(self, project: Project) -> bool:
        return not self.access_to(project).team_ids.isdisjoint(_ids(project.team_list))


class ProjectWithOrganizationSerializer(ProjectSerializer):
    """The form of the index. Pass `accesses`, by the id of the organization, and the `url` that
    OrganizationSerializer needs."""

    def access_to(self, project: Project) -> Access:
        return self.context["accesses"][project.organization_id]

    def to_representation(self, project: Project) -> "shapes.ProjectWithOrganization":
        organization = OrganizationSerializer(project.organization, context=self.context).data
        return {**super().to_representation(project), "organization": organization}


class ProjectWithTeamsSerializer(ProjectSerializer):
    def to_representation(self, project: Project) -> "shapes.ProjectWithTeams":
        teams = [reference(team) for team in project.team_list]
        answer = super().to_representation(project)
        if not teams:
            return {**answer, "teams": []}
        return {**answer, "team": teams[0], "teams": teams}


class ProjectDetailSerializer(ProjectWithTeamsSerializer):
    """The detailed form. Needs `seen_platforms`, in the context `settings` and the
    `latest_release`, and what OrganizationSerializer and ReleaseSerializer need."""

    def to_representation(self, project: Project) -> Any:
        settings: ProjectSettings = self.context["settings"]
        release: Release | None = self.context["latest_release"]
        parts: shapes.ProjectSettings = {
            "allowedDomains": project.allowed_domains,
            "builtinSymbolSources": [],
            "dataScrubber": project.data_scrubber,
            "dataScrubberDefaults": project.data_scrubber_defaults,
            "defaultEnvironment": settings.default_environment or None,
            "digestsMaxDelay": settings.digests_max_delay,
            "digestsMinDelay": settings.digests_min_delay,
            "fingerprintingRules": settings.fingerprinting_rules,
            "groupingConfig": settings.grouping_config,
            "groupingEnhancements": settings.grouping_enhancements,
            "groupingEnhancementsBase": settings.grouping_enhancements_base,
            "latestRelease": (
                ReleaseSerializer(release, context=self.context).data if release else None
            ),
            "options": self._options(project, settings),
            "organization": OrganizationSerializer(project.organization, context=self.context).data,
            "platforms": project.seen_platforms,
            "plugins": [],
            "processingIssues": 0,
            "relayPiiConfig": settings.relay_pii_config or None,
            "resolveAge": project.resolve_age,
            "safeFields": project.safe_fields,
            "scrapeJavaScript": settings.scrape_javascript,
            "scrubIPAddresses": project.scrub_ip_addresses,
            "securityToken": settings.security_token,
            "securityTokenHeader": settings.security_token_header or None,
            "sensitiveFields": project.sensitive_fields,
            "storeCrashReports": settings.store_crash_reports,
            "subjectPrefix": settings.subject_prefix,
            "subjectTemplate": settings.subject_template,
            "symbolSources": None,
            "verifySSL": settings.verify_ssl,
        }
        return dict(sorted((super().to_representation(project) | parts).items()))

    def _options(self, project: Project, settings: ProjectSettings) -> "shapes.ProjectOptions":
        return {
            "feedback:branding": settings.feedback_branding,
            "filters:blacklisted_ips": "\n".join(project.blacklisted_ips),
            "filters:error_messages": "\n".join(project.filtered_error_messages),
            "filters:releases": "\n".join(project.filtered_releases),
            "sentry:csp_ignored_sources": "\n".join(project.csp_ignored_sources),
            "sentry:csp_ignored_sources_defaults": project.csp_ignored_sources_defaults,
            "sentry:reprocessing_active": settings.reprocessing_active,
        }


class ProjectSummarySerializer(ProjectSerializer):
    """The form of lists. Needs `environment_names`, `seen_platforms`, `latest_deploys` and
    `has_reports` as well."""

    def to_representation(self, project: Project) -> Any:
        teams = [reference(team) for team in project.team_list]
        latest = project.latest_version
        answer: shapes.ProjectSummary = {
            "dateCreated": timestamp(project.created_at),
            "environments": project.environment_names,
            "features": features(project),
            "firstEvent": optional_timestamp(project.first_event_at),
            "hasAccess": self.has_access(project),
            "hasUserReports": project.has_reports,
            "id": str(project.pk),
            "isBookmarked": project.is_bookmarked,
            "isMember": self.is_member(project),
            "latestDeploys": {
                environment: {"dateFinished": timestamp(finished_at), "version": version}
                for environment, (version, finished_at) in project.latest_deploys.items()
            }
            or None,
            "latestRelease": None if latest is None else {"version": latest},
            "name": project.name,
            "platform": project.platform or None,
            "platforms": project.seen_platforms,
            "slug": project.slug,
            "team": teams[0] if teams else None,
            "teams": teams,
        }
        if project.points is not None:
            answer["stats"] = project.points
        return answer


def reference(team: Team) -> "shapes.TeamReference":
    """A team where it is only mentioned."""
    return {"id": str(team.pk), "name": team.name, "slug": team.slug}


def _ids(teams: list[Team]) -> frozenset[int]:
    return frozenset(team.pk for team in teams)
