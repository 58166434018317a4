"""Paths that answer with organizations, teams, members, projects and credentials."""

from django.urls import path

from .views import (
    absent,
    audit,
    callers,
    dashboards,
    environments,
    hooks,
    keys,
    members,
    organizations,
    project_keys,
    projects,
    teams,
)

urlpatterns = [
    path("auth/", callers.UserView.as_view()),
    path("users/me/", callers.UserView.as_view()),
    path("api-tokens/", callers.ApiTokenListView.as_view()),
    path("organizations/", organizations.OrganizationListView.as_view()),
    *(
        path(f"organizations/<str:organization>/{below}", view.as_view())
        for below, view in {
            "": organizations.OrganizationDetailView,
            "api-keys/": keys.ApiKeyListView,
            "api-keys/<str:key_id>/": keys.ApiKeyDetailView,
            "audit-logs/": audit.AuditLogView,
            "dashboards/": dashboards.DashboardListView,
            "dashboards/<str:dashboard_id>/": dashboards.DashboardDetailView,
            "dashboards/<str:dashboard_id>/widgets/": dashboards.WidgetListView,
            "dashboards/<str:dashboard_id>/widgets/<str:widget_id>": dashboards.WidgetDetailView,
            "dashboards/<str:dashboard_id>/widgets/<str:widget_id>/": dashboards.WidgetDetailView,
            "environments/": environments.OrganizationEnvironmentListView,
            "members/": members.MemberListView,
            "members/<str:member_id>/": members.MemberDetailView,
            "members/<str:member_id>/teams/<str:team>/": members.MemberTeamView,
            "projects/": organizations.OrganizationProjectListView,
            "sent-first-event/": organizations.SentFirstEventView,
            "teams/": teams.OrganizationTeamListView,
            "users/": members.OrganizationUserListView,
            "user-teams/": teams.UserTeamListView,
        }.items()
    ),
    *(
        path(
            f"organizations/<str:organization>/{below}",
            absent.AbsentListView.as_view(key=key),
        )
        for below, key in absent.PATHS.items()
    ),
    *(
        path(f"teams/<str:organization>/<str:team>/{below}", view.as_view())
        for below, view in {
            "": teams.TeamDetailView,
            "members/": members.TeamMemberListView,
            "projects/": teams.TeamProjectListView,
        }.items()
    ),
    path("projects/", projects.ProjectListView.as_view()),
    *(
        path(f"projects/<str:organization>/<str:project>/{below}", view.as_view())
        for below, view in {
            "": projects.ProjectDetailView,
            "environments/": environments.ProjectEnvironmentListView,
            "environments/<str:environment>/": environments.ProjectEnvironmentView,
            "keys/": project_keys.ProjectKeyListView,
            "keys/<str:public_key>/": project_keys.ProjectKeyDetailView,
            "members/": members.ProjectMemberListView,
            "teams/": projects.ProjectTeamListView,
            "teams/<str:team>/": projects.ProjectTeamView,
            "hooks/": hooks.HookListView,
            "hooks/<str:hook_id>/": hooks.HookDetailView,
        }.items()
    ),
]
