"""Paths that answer with releases and what belongs to them."""

from django.urls import path

from .views import health, releases

urlpatterns = [
    path(f"{scope}/releases/{below}", view.as_view())
    for scope in ("organizations/<str:organization>", "projects/<str:organization>/<str:project>")
    for below, view in {
        "<str:version>/": releases.ReleaseDetailView,
    }.items()
]

urlpatterns += [
    path("organizations/<str:organization>/sessions/", health.SessionsView.as_view()),
    path(
        "projects/<str:organization>/<str:project>/releases/<str:version>/stats/",
        health.ReleaseStatsView.as_view(),
    ),
]
