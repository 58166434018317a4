"""Paths that answer with issues and events."""

from django.urls import path

urlpatterns = []
