"""Values as safe HTML. Whatever comes in may have been written by an attacker: all is escaped."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince

NOTHING = "-"

BAR_WIDTH, BAR_GAP, BARS_HEIGHT = 3, 1, 20


class Panel(NamedTuple):
    """A small table below the facts of a page. Cells are escaped unless they are safe HTML."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""


def url_of(row: Model) -> str:
    """The page of a row."""
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[quote(row.pk)])


def list_url(model: type[Model], **filters: Any) -> str:
    """The list of a model's rows, filtered."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def add_url(model: type[Model], **initial: Any) -> str:
    """The page that makes a row of a model, with some of it filled in."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    return f"{address}?{urlencode(initial)}" if initial else address


def link(url: str, text: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)


def web_link(url: str) -> SafeString | str:
    """An address that somebody gave: a link if it leads into the web, else only its text."""
    if url.lower().startswith(("https://", "http://")):
        return format_html('<a href="{0}" rel="noreferrer">{0}</a>', url)
    return url


def link_to(row: Model | None, text: object = None) -> SafeString | str:
    """A link to the page of a row, named by itself unless told otherwise."""
    return NOTHING if row is None else link(url_of(row), row if text is None else text)


def links_to(rows: Iterable[Model]) -> SafeString | str:
    return format_html_join(", ", "{}", ((link_to(row),) for row in rows)) or NOTHING


def code(text: object) -> SafeString:
    """Something to copy: one click selects all of it."""
    return format_html('<code class="copy">{}</code>', text)


def copied(text: object) -> SafeString:
    """Something to copy, with a button that does."""
    return format_html(
        '<span class="copying"><code class="copy">{}</code>'
        '<button type="button" class="copy-button">Copy</button><span role="status"></span></span>',
        text,
    )


def badge(text: str, kind: str) -> SafeString:
    """A coloured word; `kind` is the colour's CSS class."""
    return format_html('<span class="badge {}">{}</span>', kind, text)


def shorten(text: str, length: int = 120) -> str:
    return Truncator(text).chars(length)


def share(part: float, whole: float) -> str:
    """A part in percent."""
    percent = round(100 * part / whole) if whole else 0
    return f"{percent}%" if percent else "<1%"


def bar(part: float, whole: float) -> SafeString:
    """A part as a bar that is as long as its share. It says nothing that is not said beside it."""
    width = round(100 * part / whole, 1) if whole else 0
    return format_html(
        '<svg class="share" aria-hidden="true" viewBox="0 0 100 1" preserveAspectRatio="none">'
        '<rect width="{}" height="1" /></svg>',
        min(width, 100),
    )


def size(count: int) -> str:
    """A number of bytes as people say it."""
    return filesizeformat(count)


def pretty_json(value: Any) -> SafeString:
    """Any JSON, indented, with its texts as they are."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return format_html('<pre class="json">{}</pre>', text)


def moment(when: datetime | None) -> SafeString | str:
    """A moment, to the second, in UTC."""
    if when is None:
        return NOTHING
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), _written(when))


def ago(when: datetime | None) -> SafeString | str:
    """How long ago something was; the moment itself on hovering."""
    if when is None:
        return NOTHING
    past = when <= timezone.now()
    words = f"{timesince(when, depth=1)} ago" if past else f"{when:%Y-%m-%d %H:%M}"
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        when.isoformat(),
        _written(when),
        words,
    )


def _written(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def sparkline(counts: Sequence[float], label: str) -> SafeString:
    """Bars, one for each count, the highest as high as the picture. No script, no style."""
    highest = max(counts, default=0)
    step = BAR_WIDTH + BAR_GAP
    bars = " ".join(
        f"M{index * step} {BARS_HEIGHT}v-{_height(count, highest)}h{BAR_WIDTH}V{BARS_HEIGHT}z"
        for index, count in enumerate(counts)
        if count > 0
    )
    width = max(len(counts) * step - BAR_GAP, 1)
    return format_html(
        '<svg class="sparkline" role="img" width="{0}" height="{1}" viewBox="0 0 {0} {1}">'
        "<title>{2}</title>"
        '<path class="ground" d="M0 {1}h{0}" /><path class="bars" d="{3}" />'
        "</svg>",
        width,
        BARS_HEIGHT,
        label,
        bars,
    )


def _height(count: float, highest: float) -> float:
    """What happened at all can be seen."""
    return max(round(count / highest * BARS_HEIGHT, 1), 1.5)
