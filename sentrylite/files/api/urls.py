"""Paths of what clients upload, before it is known what for."""

from django.urls import path

from .views import ChunkUploadView

urlpatterns = [
    path("organizations/<str:organization>/chunk-upload/", ChunkUploadView.as_view()),
]
