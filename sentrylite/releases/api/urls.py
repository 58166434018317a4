"""Paths that answer with releases and what belongs to them."""

from django.urls import path

from .views import files, releases

urlpatterns = [
    path(f"{scope}/releases/{below}", view.as_view())
    for scope in ("organizations/<str:organization>", "projects/<str:organization>/<str:project>")
    for below, view in {
        "<str:version>/": releases.ReleaseDetailView,
        "<str:version>/files/": files.ReleaseFileListView,
        "<str:version>/files/<str:file_id>/": files.ReleaseFileView,
    }.items()
]
