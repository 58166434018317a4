"""Bundles of artifacts: put together, counted and removed (clients contract, section 6)."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params
from sentrylite.api.serializers import timestamp
from sentrylite.files.assembling import Assembly
from sentrylite.organizations.access import RELEASE_SCOPES
from sentrylite.organizations.api.base import OrganizationScopedView, ProjectScopedView
from sentrylite.organizations.api.params import answer_page, page_of
from sentrylite.releases import queries, uploads
from sentrylite.releases.api.base import ReleaseScopedView
from sentrylite.releases.api.bundle_inputs import AssembleInput, BundleAssembleInput


class ArtifactBundleAssembleView(OrganizationScopedView):
    """Make a bundle of some projects, for a release or for none, which is made if need be."""

    scopes = RELEASE_SCOPES

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = BundleAssembleInput.read(request, access=self.access)
        assembly = uploads.assemble_bundle(
            self.organization,
            sent["checksum"],
            sent["chunks"],
            version=sent.get("version") or None,
            dist=sent.get("dist") or None,
            projects=sent["projects"],
            now=timezone.now(),
        )
        return Response(state_of(assembly))


class ReleaseAssembleView(ReleaseScopedView):
    """Make a bundle of a release, for all of its projects. The dist is in the bundle."""

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = AssembleInput.read(request)
        assembly = uploads.assemble_bundle(
            self.organization,
            sent["checksum"],
            sent["chunks"],
            version=self.release.version,
            dist=None,
            projects=[],
            now=timezone.now(),
        )
        return Response(state_of(assembly))


class SourceMapsView(ProjectScopedView):
    """The releases of a project for which something was uploaded; removing what was for one."""

    scopes = RELEASE_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = uploads.releases_with_artifacts(self.project)
        if text := params.text(query, "query"):
            found = found.filter(version__icontains=text)
        page = page_of(request, found)
        counts = uploads.count_files([release.pk for release in page.rows])
        return answer_page(
            request,
            page,
            lambda rows: [
                {
                    "type": "release",
                    "id": release.pk,
                    "name": release.version,
                    "date": timestamp(release.created_at),
                    "fileCount": counts[release.pk],
                }
                for release in rows
            ],
        )

    def delete(self, request: Request, **kwargs: Any) -> Response:
        version = params.text(request.query_params, "name")
        release = queries.release_of(self.project, version) if version else None
        if release is None:
            raise Http404
        uploads.remove_artifacts(self.project, release)
        return Response(status=204)


def state_of(assembly: Assembly) -> dict[str, Any]:
    return {
        "state": str(assembly.state),
        "missingChunks": list(assembly.missing),
        "detail": assembly.detail,
    }
