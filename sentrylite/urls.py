"""What Django answers. The doors of the SDKs are answered before it, in sentrylite.asgi."""

from django.contrib import admin
from django.urls import include, path, re_path

from issues.admin.permalink import show_event, show_issue
from issues.api.views.embed import ErrorPageView
from sentrylite.api import errors
from sentrylite.api.reference import DocumentView, ReferencePage
from sentrylite.api.views import UnknownPathView
from sentrylite.organizations import pages
from sentrylite.organizations.api.views.index import ApiIndexView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/0/", ApiIndexView.as_view()),
    path("api/0/openapi.json", DocumentView.as_view()),
    path("api/0/", include("sentrylite.organizations.api.urls")),
    path("api/0/", include("sentrylite.files.api.urls")),
    path("api/0/", include("sentrylite.releases.api.urls")),
    path("api/0/", include("sentrylite.symbols.api.urls")),
    path("api/0/", include("issues.api.urls")),
    path("api/0/", include("stats.api.urls")),
    path("api/embed/error-page/", ErrorPageView.as_view()),
    path("docs/", ReferencePage.as_view(), name="docs"),
    path("accept/", pages.accepted, name="accepted"),
    path("accept/<str:member_id>/<str:token>/", pages.AcceptView.as_view(), name="accept"),
    re_path(r"^api/", UnknownPathView.as_view()),
    path("organizations/<slug:organization>/issues/<int:issue_id>/", show_issue),
    path(
        "organizations/<slug:organization>/issues/<int:issue_id>/events/<str:event_id>/",
        show_event,
    ),
]

handler400 = errors.bad_request
