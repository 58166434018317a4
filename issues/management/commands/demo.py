"""`sentrylite demo`: a month of made-up releases, events and sessions, through the ingestion's own
code."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from tqdm import tqdm  # type: ignore[import-untyped]

from issues import actions, feedback, maintenance, partitions
from issues.demo.projects import PROJECTS
from issues.demo.schedule import Done
from issues.demo.shipping import Shipped
from issues.demo.story import Sent, tell
from issues.models import Event, Issue
from issues.payload.feedback import PreparedReport
from sentrylite import schema
from sentrylite.accounts.models import User
from sentrylite.ingest.authentication import KeyInfo, find_key
from sentrylite.ingest.replay import Replay
from sentrylite.organizations import actions as organization_actions
from sentrylite.organizations.models import Organization, Project, Role, Team
from sentrylite.releases import actions as release_actions
from sentrylite.releases.commits import set_commits
from sentrylite.releases.models import Release

TEAM = "shop"
DEPLOYING = timedelta(minutes=4)
CLIENTS = {project.slug: "/".join(project.sdk) for project in PROJECTS}


class Command(BaseCommand):
    help = (
        "Fill an organization with made-up events: four projects, their releases with commits,"
        " deploys and sessions, problems that come and go, what users say of them. The same seed"
        " makes the same events, and none twice."
    )
    requires_system_checks = []  # they take longer than a small demo

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--organization", default="demo", metavar="SLUG", help="made if missing; default demo"
        )
        parser.add_argument(
            "--days", type=int, default=30, help="how far they reach back; default 30"
        )
        parser.add_argument("--events", type=int, default=5000, help="how many; default 5000")
        parser.add_argument("--seed", type=int, default=1, help="for other events; default 1")
        # Read by sentrylite.cli, before there are settings.
        parser.add_argument(
            "--data-dir", metavar="DIR", help="the server's data directory, if it has another"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days, events, seed = options["days"], options["events"], options["seed"]
        if not 1 <= days <= settings.EVENT_RETENTION_DAYS:
            raise CommandError(
                f"--days goes from 1 to {settings.EVENT_RETENTION_DAYS} (EVENT_RETENTION_DAYS):"
                " older events are dropped."
            )
        if events < 1:
            raise CommandError("--events is at least 1.")
        try:
            schema.ensure()
            now = time.time()
            shop = Shop(options["organization"], now=now)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except schema.Unusable as error:
            raise CommandError(str(error)) from error
        make_partitions(now, days)
        # None: no bar where nobody watches.
        with tqdm(total=events, unit=" events", disable=None, file=sys.stderr) as bar:
            for happening in tell(now=now, days=days, events=events, seed=seed):
                match happening:
                    case Sent():
                        shop.receive(happening)
                        bar.update()
                    case Shipped():
                        shop.ship(happening)
                    case Done():
                        shop.act(happening)
            shop.replay.flush()
        self.stdout.write(f"{shop.replay.stored} new events in {shop.organization.slug}.")
        if not shop.replay.stored:
            self.stdout.write("All of them were there already; another --seed makes others.")


class Shop:
    """The organization that the story is about. Raises ValidationError for a bad slug."""

    @transaction.atomic
    def __init__(self, slug: str, *, now: float) -> None:
        ensure = organization_actions
        self.organization: Organization = ensure.ensure_organization(slug=slug)
        self.team: Team = ensure.ensure_team(self.organization, slug=TEAM)
        self.projects: dict[str, Project] = {}
        self.keys: Mapping[str, KeyInfo] = {
            project.slug: self._key(project.slug, project.name, project.platform)
            for project in PROJECTS
        }
        self.replay = Replay(now=now)
        # Where each problem's issue is found: its first event's id, and when that came.
        self._first: dict[tuple[str, str], tuple[str, datetime]] = {}
        owner = self.organization.members.filter(role=Role.OWNER, user__isnull=False).first()
        self._owner: User | None = owner.user if owner else None

    def _key(self, slug: str, name: str, platform: str) -> KeyInfo:
        self.projects[slug], key = organization_actions.ensure_project(
            self.organization, slug=slug, name=name, platform=platform, teams=[self.team]
        )
        with connection.cursor() as cursor:
            info = find_key(cursor.cursor, key.public_key)
        assert info is not None  # noqa: S101 - made just now
        return info

    def receive(self, sent: Sent) -> None:
        self._first.setdefault(
            (sent.project, sent.problem),
            (sent.event["event_id"], datetime.fromtimestamp(sent.moment, UTC)),
        )
        self.replay.add(
            self.keys[sent.project],
            sent.event,
            moment=sent.moment,
            client=CLIENTS[sent.project],
        )
        if sent.report:
            self._hear(sent, sent.report)

    def _hear(self, sent: Sent, report: PreparedReport) -> None:
        """Store what a user said, who may be faster than the event; nothing when it was heard."""
        key = self.keys[sent.project]
        said = replace(report, project_id=key.project_id, organization_id=key.organization_id)
        with suppress(feedback.TooLate):
            feedback.submit_report(
                said, now=datetime.fromtimestamp(sent.moment, UTC), event_max_age=None
            )

    @transaction.atomic
    def ship(self, shipped: Shipped) -> None:
        """Bring out a release, whole with those who use it; nothing when it is out already.

        Of sessions nothing would say that they were counted, so the release does.
        """
        projects = [self.projects[shipped.project]]
        staged_at = datetime.fromtimestamp(shipped.staged_at, UTC)
        released_at = datetime.fromtimestamp(shipped.moment, UTC)
        release = release_actions.make_release(
            self.organization, shipped.version, projects, {}, now=staged_at
        ).release
        if not Release.objects.filter(pk=release.pk, released_at=None).update(
            released_at=released_at, ref=shipped.commits[0].key
        ):
            return
        set_commits(release, shipped.commits, now=staged_at)
        for environment, now in (("staging", staged_at), ("production", released_at)):
            columns = {"started_at": now - DEPLOYING, "name": release.short_version}
            release_actions.deploy(release, projects, environment, columns, now=now)
        self.replay.write_sessions(self.keys[shipped.project], shipped.visits)

    def act(self, done: Done) -> None:
        """Do what somebody did; nothing when the problem has not happened yet."""
        self.replay.flush()
        issue = self._issue(done)
        if issue is None:
            return
        now = datetime.fromtimestamp(done.moment, UTC)
        match done.what:
            case "resolve":
                actions.resolve_issues([issue], by=self._owner, now=now)
            case "ignore":
                actions.ignore_issues([issue], by=self._owner, now=now)
            case "assign":
                actions.assign_issues([issue], self.team, by=self._owner, now=now)

    def _issue(self, done: Done) -> Issue | None:
        if (done.project, done.problem) not in self._first:
            return None
        event_id, received_at = self._first[done.project, done.problem]
        moment = timedelta(seconds=1)  # what is stored is rounded
        event = Event.objects.filter(
            project_id=self.keys[done.project].project_id,
            event_id=event_id,
            received_at__range=(received_at - moment, received_at + moment),
        ).first()
        return Issue.objects.filter(pk=event.issue_id).first() if event else None


@transaction.atomic
def make_partitions(now: float, days: int) -> None:
    """The weeks that the events are received in; later ones are the server's own business."""
    with connection.cursor() as cursor:
        # A running server's maintenance makes some too.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [maintenance.LOCK])
        end = datetime.fromtimestamp(now, UTC)
        moment = end - timedelta(days=days)
        while moment < end + partitions.WEEK:
            partitions.ensure_partitions(cursor, min(moment, end))
            moment += partitions.WEEK
