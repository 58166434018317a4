"""Paths that answer with releases and what belongs to them."""

from django.urls import path

from .views import bundles, commits, deploys, files, health, releases

urlpatterns = [
    path(
        "organizations/<str:organization>/releases/", releases.OrganizationReleaseListView.as_view()
    ),
    path(
        "projects/<str:organization>/<str:project>/releases/",
        releases.ProjectReleaseListView.as_view(),
    ),
    *(
        path(f"{scope}/releases/<str:version>/{below}", view.as_view())
        for scope in (
            "organizations/<str:organization>",
            "projects/<str:organization>/<str:project>",
        )
        for below, view in {
            "": releases.ReleaseDetailView,
            "assemble/": bundles.ReleaseAssembleView,
            "commitfiles/": commits.ReleaseCommitFilesView,
            "commits/": commits.ReleaseCommitListView,
            "deploys/": deploys.DeployListView,
            "files/": files.ReleaseFileListView,
            "files/<str:file_id>/": files.ReleaseFileView,
            "meta/": releases.ReleaseMetaView,
            "previous-with-commits/": releases.PreviousReleaseView,
        }.items()
    ),
    path(
        "organizations/<str:organization>/artifactbundle/assemble/",
        bundles.ArtifactBundleAssembleView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/files/source-maps/",
        bundles.SourceMapsView.as_view(),
    ),
    *(
        path(f"organizations/<str:organization>/repos/{below}", view.as_view())
        for below, view in {
            "": commits.RepositoryListView,
            "<str:repo_id>/": commits.RepositoryDetailView,
            "<str:repo_id>/commits/": commits.RepositoryCommitListView,
        }.items()
    ),
]

urlpatterns += [
    path("organizations/<str:organization>/sessions/", health.SessionsView.as_view()),
    path(
        "projects/<str:organization>/<str:project>/releases/<str:version>/stats/",
        health.ReleaseStatsView.as_view(),
    ),
]
