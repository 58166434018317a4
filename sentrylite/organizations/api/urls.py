"""Paths that answer with organizations, teams, members, projects and credentials."""

from django.urls import path

from .views import (
    organizations,
    project_environments,
    project_keys,
    projects,
    teams,
)

urlpatterns = [
    path("organizations/", organizations.OrganizationListView.as_view()),
    *(
        path(f"organizations/<str:organization>/{below}", view.as_view())
        for below, view in {
            "": organizations.OrganizationDetailView,
            "projects/": organizations.OrganizationProjectListView,
            "sent-first-event/": organizations.SentFirstEventView,
            "teams/": teams.OrganizationTeamListView,
            "user-teams/": teams.UserTeamListView,
        }.items()
    ),
    *(
        path(f"teams/<str:organization>/<str:team>/{below}", view.as_view())
        for below, view in {
            "": teams.TeamDetailView,
            "projects/": teams.TeamProjectListView,
        }.items()
    ),
    path("projects/", projects.ProjectListView.as_view()),
    *(
        path(f"projects/<str:organization>/<str:project>/{below}", view.as_view())
        for below, view in {
            "": projects.ProjectDetailView,
            "environments/": project_environments.ProjectEnvironmentListView,
            "environments/<str:environment>/": project_environments.ProjectEnvironmentView,
            "keys/": project_keys.ProjectKeyListView,
            "keys/<str:key_id>/": project_keys.ProjectKeyDetailView,
            "teams/": projects.ProjectTeamListView,
            "teams/<str:team>/": projects.ProjectTeamView,
        }.items()
    ),
]
