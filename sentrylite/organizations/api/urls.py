"""Paths that answer with organizations, teams, members, projects and credentials."""

from django.urls import path

from .views import environments

urlpatterns = [
    *(
        path(f"organizations/<str:organization>/{below}", view.as_view())
        for below, view in {
            "environments/": environments.OrganizationEnvironmentListView,
        }.items()
    ),
]
