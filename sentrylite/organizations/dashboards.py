"""Dashboards and their widgets: finding and changing them.

Whoever changes a dashboard, or anything on it, locks it first. Changes raise ObjectDoesNotExist
when somebody else has removed it meanwhile.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, QuerySet, prefetch_related_objects

from sentrylite.accounts.models import User

from .actions import is_taken
from .models import Dashboard, DataSource, Organization, Widget

MAX_WIDGETS = 100
"""Of one dashboard: a page of dashboards comes with all of them."""


class TitleTaken(Exception):
    """Another dashboard of the organization, or widget of the dashboard, has this title."""


class TooManyWidgets(Exception):
    """The dashboard has MAX_WIDGETS."""


class UnknownWidget(Exception):
    """An order was asked for of a widget that the dashboard lacks."""


def dashboards_of(organization: Organization, text: str = "") -> QuerySet[Dashboard]:
    """By title, those with this text in it, with their widgets and what these draw.

    Three statements, however many there are.
    """
    found = organization.dashboards.order_by("title", "pk")
    if text:
        found = found.filter(title__icontains=text)
    return found.prefetch_related("widgets__data_sources")


def load_widgets(dashboard: Dashboard) -> None:
    """Fill in a dashboard's widgets and what these draw. Two statements."""
    prefetch_related_objects([dashboard], "widgets__data_sources")


def load_sources(widget: Widget) -> None:
    """Fill in what a widget draws. One statement."""
    prefetch_related_objects([widget], "data_sources")


def create_dashboard(
    organization: Organization, *, title: str, by: User | None, now: datetime
) -> Dashboard:
    """A new dashboard without widgets. Raises TitleTaken."""
    with _titles():
        return Dashboard.objects.create(
            organization=organization, title=title, created_by=by, created_at=now
        )


def change_dashboard(
    dashboard: Dashboard, *, title: str | None = None, orders: Mapping[int, int] | None = None
) -> None:
    """Set a title; put widgets, by id, into the order of these numbers, and remove the others.

    Raises TitleTaken and UnknownWidget.
    """
    with _changing(dashboard):
        if title is not None:
            dashboard.title = title
            dashboard.save(update_fields=["title"])
        if orders is not None:
            _arrange(dashboard, orders)


def _arrange(dashboard: Dashboard, orders: Mapping[int, int]) -> None:
    widgets = {widget.pk: widget for widget in dashboard.widgets.all()}
    if not orders.keys() <= widgets.keys():
        raise UnknownWidget
    dashboard.widgets.exclude(pk__in=orders).delete()
    kept = [widgets[widget_id] for widget_id in sorted(orders, key=orders.__getitem__)]
    # Above all that were given: none meets the number that another has still.
    above = max((widget.order for widget in widgets.values()), default=0)
    for order, widget in enumerate(kept, above + 1):
        widget.order = order
    Widget.objects.bulk_update(kept, ["order"])


def delete_dashboard(dashboard: Dashboard) -> None:
    with _changing(dashboard):
        dashboard.delete()


def add_widget(
    dashboard: Dashboard,
    columns: Mapping[str, Any],
    sources: Sequence[DataSource],
    *,
    now: datetime,
) -> Widget:
    """A new widget, behind the others. Raises TitleTaken and TooManyWidgets."""
    with _changing(dashboard):
        there = dashboard.widgets.aggregate(last=Max("order"), total=Count("pk"))
        if there["total"] >= MAX_WIDGETS:
            raise TooManyWidgets
        order = (there["last"] or 0) + 1
        widget = Widget.objects.create(dashboard=dashboard, order=order, created_at=now, **columns)
        _add_sources(widget, sources)
        return widget


def change_widget(
    widget: Widget, columns: Mapping[str, Any], sources: Sequence[DataSource] | None
) -> None:
    """Set these columns, and what the widget draws if it is said. Raises TitleTaken."""
    with _changing(widget.dashboard):
        widget.refresh_from_db()
        for name, value in columns.items():
            setattr(widget, name, value)
        widget.save(update_fields=list(columns))
        if sources is not None:
            widget.data_sources.all().delete()
            _add_sources(widget, sources)


def delete_widget(widget: Widget) -> None:
    with _changing(widget.dashboard):
        widget.delete()


def _add_sources(widget: Widget, sources: Sequence[DataSource]) -> None:
    for source in sources:
        source.widget = widget
    DataSource.objects.bulk_create(sources)


@contextmanager
def _changing(dashboard: Dashboard) -> Iterator[None]:
    with _titles():
        Dashboard.objects.select_for_update().only("pk").get(pk=dashboard.pk)
        yield


@contextmanager
def _titles() -> Iterator[None]:
    """A transaction in which the database's constraints decide whose a title is."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if is_taken(error):
            raise TitleTaken from error
        raise
