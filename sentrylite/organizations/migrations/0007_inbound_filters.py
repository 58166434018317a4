from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0006_key_rate_limits")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="blacklisted_ips",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Addresses and networks (10.0.0.0/8), one a line.",
                verbose_name="blacklisted IP addresses",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="csp_ignored_sources",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="More such sources, one a line.",
                verbose_name="ignored CSP sources",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="csp_ignored_sources_defaults",
            field=models.BooleanField(
                default=True,
                help_text="Reports of resources that extensions and the like are known to load.",
                verbose_name="ignore usual CSP sources",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="filter_browser_extensions",
            field=models.BooleanField(
                default=False, help_text="Errors of extensions that people added to their browsers."
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="filter_legacy_browsers",
            field=models.JSONField(
                blank=True, default=list, help_text="Browsers too old to care about."
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="filter_localhost",
            field=models.BooleanField(
                default=False, help_text="Events of developers' own machines."
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="filter_web_crawlers",
            field=models.BooleanField(
                default=True, help_text="Errors that known crawlers ran into."
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="filtered_error_messages",
            field=models.JSONField(
                blank=True, default=list, help_text="Messages, or type: message; * is any text."
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="filtered_releases",
            field=models.JSONField(
                blank=True, default=list, help_text="Versions, in any letter case; * is any text."
            ),
        ),
    ]
