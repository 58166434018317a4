"""Client keys as JSON (projects contract, section 6)."""

from typing import TYPE_CHECKING

from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations import dsn
from sentrylite.organizations.models import ProjectKey
from sentrylite.organizations.models.project import BrowserSdk

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


class ProjectKeySerializer(OutputSerializer):
    """Pass `context={"url": …}`: the address of this server."""

    def to_representation(self, key: ProjectKey) -> "shapes.ProjectKey":
        return {
            "browserSdk": {"choices": [list(choice) for choice in BrowserSdk.choices]},
            "browserSdkVersion": key.browser_sdk,
            "dateCreated": timestamp(key.created_at),
            "dsn": self._dsn(key),
            "dynamicSdkLoaderOptions": {
                "hasDebug": False,
                "hasPerformance": False,
                "hasReplay": False,
            },
            "id": key.public_key,
            "isActive": key.is_active,
            "label": key.label,
            "name": key.label,
            "projectId": key.project_id,
            "public": key.public_key,
            "rateLimit": (
                {"count": key.rate_limit_count, "window": key.rate_limit_window}
                if key.rate_limit_count and key.rate_limit_window
                else None
            ),
            "secret": key.secret_key,
        }

    def _dsn(self, key: ProjectKey) -> "shapes.Dsn":
        url, public = self.context["url"], key.public_key
        doors = f"{url}/api/{key.project_id}"
        return {
            "cdn": f"{url}/js-sdk-loader/{public}.min.js",
            "crons": f"{doors}/cron/___MONITOR_SLUG___/{public}/",
            "csp": f"{doors}/csp-report/?sentry_key={public}",
            "minidump": f"{doors}/minidump/?sentry_key={public}",
            "nel": f"{doors}/nel/?sentry_key={public}",
            "public": dsn.build(public, key.project_id, base_url=url),
            "secret": dsn.build(public, key.project_id, secret_key=key.secret_key, base_url=url),
            "security": f"{doors}/security/?sentry_key={public}",
            "unreal": f"{doors}/unreal/{public}/",
        }
