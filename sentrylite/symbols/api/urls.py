"""Paths of debug information files."""

from django.urls import path

from . import views

PROJECT = "projects/<str:organization>/<str:project>/"

urlpatterns = [
    path(f"{PROJECT}files/dsyms/", views.DebugFileListView.as_view()),
    path(f"{PROJECT}files/dsyms/unknown/", views.UnknownDebugFilesView.as_view()),
    path(f"{PROJECT}files/dsyms/associate/", views.AssociateDebugFilesView.as_view()),
    path(f"{PROJECT}files/difs/assemble/", views.DebugFilesAssembleView.as_view()),
    path(f"{PROJECT}files/proguard-artifact-releases/", views.MappingReleasesView.as_view()),
    # As sentry-cli spells it.
    path(f"{PROJECT}files/proguard-artifact-releases", views.MappingReleasesView.as_view()),
    path(f"{PROJECT}reprocessing/", views.ReprocessingView.as_view()),
]
