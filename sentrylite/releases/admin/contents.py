"""What a release is made of and where it went, on its page. A statement or two each."""

from collections.abc import Sequence

from sentrylite.admin import display
from sentrylite.admin.charts import Chart, Series
from sentrylite.admin.display import Panel
from sentrylite.releases import health
from sentrylite.releases.models import (
    ArtifactBundle,
    Commit,
    Deploy,
    Release,
    ReleaseCommit,
    ReleaseFile,
    Repository,
)
from sentrylite.releases.sessions import Status
from stats import series
from stats.models import Kind
from stats.periods import HOUR, LIST_DAYS_30, LIST_HOURS_24

SHOWN = 50


def charts(release: Release, project_ids: Sequence[int], now: float) -> list[Chart]:
    """Its events of these projects. Two statements."""
    drawn = []
    for words, span in {"24 hours": LIST_HOURS_24, "30 days": LIST_DAYS_30}.items():
        period = span.until(now)
        keys = [(project_id, release.pk) for project_id in project_ids]
        points = series.read_series(Kind.RELEASE_GENERATED, keys, period, now)
        sums = [0] * len(period.buckets)
        for of_project in points.values():
            sums = [total + int(count) for total, (_, count) in zip(sums, of_project, strict=True)]
        starts = [float(bucket * period.width) for bucket in period.buckets]
        title = f"Events in {words}: {sum(sums):,}"
        drawn.append(Chart(title, starts, period.width, [Series("events", sums)]))
    return drawn


def sessions(release: Release, project_ids: Sequence[int], now: float) -> list[Chart]:
    """How its sessions in these projects went; none without any. At most three statements."""
    if not health.pairs_with_sessions([(project_id, release.pk) for project_id in project_ids]):
        return []
    scope = health.Scope(project_ids, release_ids=[release.pk])
    drawn = []
    for words, period in {"24 hours": "24h", "30 days": "30d"}.items():
        times = health.hours_of(period, now)
        found = health.read(scope, times, now, what=[health.COUNTS])
        figures = [
            found[label].get(health.Group(), health.Figures()) for label in range(len(times))
        ]
        by_status = {status: [each.sessions_that(status) for each in figures] for status in Status}
        total = sum(each.total_sessions for each in figures)
        title = f"Sessions in {words}: {total:,}"
        if total:
            title += f", {1 - sum(by_status[Status.CRASHED]) / total:.2%} without a crash"
        shown = [
            Series(status.name.lower(), counts)
            for status, counts in by_status.items()
            if status in (Status.HEALTHY, Status.CRASHED) or any(counts)
        ]
        starts = [float(hours.start * HOUR) for hours in times]
        drawn.append(Chart(title, starts, len(times[0]) * HOUR, shown))
    return drawn


def commits(release: Release) -> Panel:
    found = ReleaseCommit.objects.filter(release=release).select_related(
        "commit__author", "commit__repository"
    )
    rows = [
        (
            *_told(each.commit),
            each.commit.repository,
            display.moment(each.commit.created_at),
        )
        for each in found.order_by("order")[:SHOWN]
    ]
    note = f"The newest {SHOWN} of {release.commit_count}." if len(rows) == SHOWN else ""
    return Panel("Commits", ("Commit", "Message", "Author", "Repository", "At (UTC)"), rows, note)


def newest_commits(repository: Repository) -> Panel:
    found = Commit.objects.filter(repository=repository).select_related("author")
    rows = [
        (
            *_told(each),
            display.moment(each.created_at),
        )
        for each in found.order_by("-created_at", "-id")[:SHOWN]
    ]
    return Panel("Newest commits", ("Commit", "Message", "Author", "At (UTC)"), rows)


def _told(commit: Commit) -> tuple[object, ...]:
    """Which it is, what it does and who wrote it."""
    title = (commit.message or "").partition("\n")[0]
    return display.code(commit.key[:12]), display.shorten(title), commit.author or ""


def deploys(release: Release) -> Panel:
    found = Deploy.objects.filter(release=release).select_related("environment")
    rows = [
        (
            display.link_to(each.environment),
            each.name,
            display.web_link(each.url),
            display.moment(each.started_at),
            display.moment(each.finished_at),
        )
        for each in found.order_by("-finished_at", "-id")[:SHOWN]
    ]
    columns = ("Environment", "Name", "Address", "Started (UTC)", "Finished (UTC)")
    return Panel("Deploys", columns, rows)


def files(release: Release) -> Panel:
    """What was uploaded for it, by itself or in bundles. Two statements."""
    found = ReleaseFile.objects.filter(release=release).select_related("blob")
    rows: list[Sequence[object]] = [
        (each.name, each.dist, display.size(each.blob.size), display.moment(each.created_at))
        for each in found.order_by("-created_at", "-id")[:SHOWN]
    ]
    bundles = ArtifactBundle.objects.filter(release=release).select_related("blob")
    rows += [
        (
            f"Bundle of {each.file_count} files",
            each.dist,
            display.size(each.blob.size),
            display.moment(each.uploaded_at),
        )
        for each in bundles.order_by("-uploaded_at", "-id")[:SHOWN]
    ]
    return Panel("Files", ("Name", "Distribution", "Size", "Uploaded (UTC)"), rows)
