import re

import pytest

from sentrylite.admin.charts import Chart, Series

HOUR, DAY = 3600, 86400
# 2026-03-04 05:00 UTC
START = 1772600400.0


def chart(*counts: list[int], width: int = HOUR, start: float = START) -> Chart:
    starts = [start + place * width for place in range(len(counts[0]))]
    names = ("accepted", "rejected", "filtered")
    series = [Series(name, each) for name, each in zip(names, counts, strict=False)]
    return Chart("Events", starts, width, series)


def test_bars_are_as_high_as_their_counts_and_stand_on_each_other() -> None:
    drawn = chart([10, 0, 5], [10, 0, 0])
    assert drawn.top == 20
    assert [[(bar.name, bar.y, bar.height) for bar in each.bars] for each in drawn.buckets] == [
        [("accepted", 50, 50), ("rejected", 0, 50)],
        [],
        [("accepted", 75, 25)],
    ]


def test_what_happened_at_all_can_be_seen() -> None:
    assert chart([1, 100_000]).buckets[0].bars[0].height == 1


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (4, 4), (5, 10), (11, 20), (21, 40), (41, 100), (1201, 2000)]
)
def test_the_scale_ends_at_a_round_number(highest: int, top: int) -> None:
    assert chart([highest]).top == top


@pytest.mark.parametrize(
    ("width", "label"), [(10, "Mar 4, 05:00:00"), (HOUR, "Mar 4, 05:00"), (DAY, "Mar 4")]
)
def test_buckets_are_named_as_finely_as_they_are(width: int, label: str) -> None:
    assert chart([1], width=width).buckets[0].label == label


def test_the_numbers_can_be_read_without_the_picture() -> None:
    page = str(chart([1200, 3], [0, 4]))
    assert "<title>Events</title>" in page
    assert "<desc>1,203 accepted, 4 rejected; from Mar 4, 05:00 to Mar 4, 06:00 UTC</desc>" in page
    assert re.findall(r'<th scope="row">(.*?)</th><td class="number">(\d+)</td>', page) == [
        ("Mar 4, 06:00", "3"),
        ("Mar 4, 05:00", "1200"),
    ]
    assert "style=" not in page


def test_a_chart_of_nothing_is_drawn() -> None:
    page = str(chart([]))
    assert "<rect" not in page
    assert 'viewBox="0 0 1 100"' in page


def test_titles_are_escaped() -> None:
    page = str(Chart("<script>", [START], HOUR, [Series("accepted", [1])]))
    assert "<script>" not in page
