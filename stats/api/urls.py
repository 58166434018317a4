"""Paths that answer with counts."""

from django.urls import path

urlpatterns = []
