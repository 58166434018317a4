"""Summaries of a fixed size: how wrong they may be."""

import random
from collections.abc import Iterable

import pytest

from sentrylite.releases import sketches


def levels(places: Iterable[int]) -> list[int]:
    """How many bits of each level are set, as the database counts them."""
    counts = [0] * sketches.LEVELS
    for place in set(places):
        counts[place // sketches.SLOTS] += 1
    return counts


def places(users: Iterable[int]) -> set[int]:
    return {sketches.place_of(f"user-{user}") for user in users}


@pytest.mark.parametrize("users", [0, 1, 2, 3, 5])
def test_a_few_users_are_counted_exactly(users: int) -> None:
    assert sketches.distinct(levels(places(range(users)))) == users


@pytest.mark.parametrize("users", [10, 100, 1_000, 10_000, 100_000])
def test_many_users_are_counted_within_eight_per_cent(users: int) -> None:
    counted = sketches.distinct(levels(places(range(users))))
    assert abs(counted - users) <= max(1, 0.08 * users)


@pytest.mark.parametrize("users", [100, 3_000, 50_000])
def test_the_standard_error_is_about_two_per_cent(users: int) -> None:
    generator = random.Random(7)
    errors = []
    for _ in range(60):
        first = generator.randrange(10**12)
        counted = sketches.distinct(levels(places(range(first, first + users // 10))))
        errors.append(counted / (users // 10) - 1)
    assert (sum(error**2 for error in errors) / len(errors)) ** 0.5 < 0.03


def test_users_of_two_bitmaps_count_once() -> None:
    both = places(range(2_000)) | places(range(1_000, 3_000))
    assert sketches.distinct(levels(both)) == pytest.approx(3_000, rel=0.06)


def test_no_bitmap_is_nobody() -> None:
    assert sketches.distinct(None) == 0


def test_a_bitmap_that_is_full_says_many() -> None:
    assert sketches.distinct([sketches.SLOTS] * sketches.LEVELS) >= 10**8


def test_a_bitmap_is_written_from_the_left() -> None:
    text = sketches.bitmap({0, 5, sketches.BITS - 1})
    assert len(text) == 1 + sketches.BITS // 4
    assert (text[:4], text[-1]) == ("x840", "1")


@pytest.mark.parametrize("part", [0.5, 0.75, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("scale", [1.0, 60.0, 3600.0])
def test_a_quantile_of_durations_is_off_by_an_eighth_at_most(part: float, scale: float) -> None:
    generator = random.Random(3)
    durations = sorted(generator.lognormvariate(0.5, 1.0) * scale for _ in range(5_000))
    histogram = [0] * sketches.BINS
    for duration in durations:
        histogram[sketches.bin_of(duration)] += 1
    exact = durations[int(part * len(durations)) - 1]
    assert sketches.quantile(histogram, part) == pytest.approx(exact, rel=0.13)


def test_durations_of_all_lengths_have_a_bin() -> None:
    assert sketches.bin_of(0) == sketches.bin_of(0.25) == 0
    assert sketches.bin_of(0.26) == 1
    assert sketches.bin_of(4 * 86400) < sketches.bin_of(1e12) == sketches.BINS - 1


@pytest.mark.parametrize("histogram", [None, [0] * sketches.BINS])
def test_without_durations_there_is_no_quantile(histogram: list[int] | None) -> None:
    assert sketches.quantile(histogram, 0.5) is None
