"""Indexes of the parts of words: an extension that PostgreSQL comes with and any owner may make."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("issues", "0010_unmerging")]

    operations = [TrigramExtension()]
