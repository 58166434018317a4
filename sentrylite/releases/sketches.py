"""Small summaries of many values, of a fixed size, that can be added to one another: how many
distinct users there were, and how long sessions took.

Distinct users are a bitmap of LEVELS x SLOTS bits. A user's hash chooses one bit: level 0 with a
probability of 1/2, level 1 of 1/4 and so on, and any of a level's slots alike. Two bitmaps are
added by OR, so a user counts once however often and wherever he was seen; what they say together
is found by maximum likelihood. The standard error is 2 % for any number of users up to some
hundred million, and next to nothing up to a hundred (tests/releases/test_sketches.py measures it).

Durations are a histogram of BINS bins, each a third of an octave wide, from a quarter of a second
to six days: a quantile is off by 13 % at the most.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import expm1, log2

LEVELS, SLOTS = 16, 1024
BITS = LEVELS * SLOTS

BINS = 64
_SHORTEST = 0.25
_BINS_OF_OCTAVE = 3

# How likely a user is to choose a certain slot of each level. The last level takes what is left.
_LIKELIHOODS = [2.0 ** -min(level + 1, LEVELS - 1) / SLOTS for level in range(LEVELS)]
_MOST_USERS = 1e9
# Of a level that is this full, nothing more is to be learned; and e to the power of it is a float.
_FULL = 50.0


def place_of(user: str) -> int:
    """The number of the bit that stands for a user."""
    digest = int.from_bytes(blake2b(user.encode(), digest_size=8).digest())
    rest, slot = divmod(digest, SLOTS)
    level = (rest & -rest).bit_length() - 1 if rest else LEVELS
    return min(level, LEVELS - 1) * SLOTS + slot


def bitmap(places: Iterable[int]) -> str:
    """The bitmap with these bits, as the database reads a bit string."""
    bits = 0
    for place in places:
        bits |= 1 << (BITS - 1 - place)
    return f"x{bits:0{BITS // 4}x}"


def distinct(counts: Sequence[int] | None) -> int:
    """How many users a bitmap stands for: the likeliest number, given how many bits of each of
    its levels are set. None is no bitmap."""
    if not counts or not any(counts):
        return 0
    empty = sum(
        (SLOTS - count) * chance for count, chance in zip(counts, _LIKELIHOODS, strict=True)
    )
    # Newton's method on the derivative of the likelihood: it falls and is convex, and there are
    # at least as many users as bits, so it comes near from below and never leaps over the root.
    users = float(sum(counts))
    while users < _MOST_USERS:
        value, slope = -empty, 0.0
        for count, chance in zip(counts, _LIKELIHOODS, strict=True):
            if users * chance > _FULL:
                continue
            growth = expm1(users * chance)
            value += count * chance / growth
            slope += count * chance * chance * (growth + 1) / (growth * growth)
        step = value / slope
        users += step
        if step < users * 1e-6:
            break
    return round(users)


def bin_of(seconds: float) -> int:
    """The bin of the histogram that a duration falls into."""
    if seconds <= _SHORTEST:
        return 0
    return min(int(log2(seconds / _SHORTEST) * _BINS_OF_OCTAVE) + 1, BINS - 1)


def quantile(histogram: Sequence[int] | None, part: float) -> float | None:
    """The duration (seconds) that this part of all durations does not exceed; None without any."""
    left = part * sum(histogram or ())
    for number, count in enumerate(histogram or ()):
        if count and count >= left:
            within = left / count
            if number == 0:
                return _SHORTEST * within
            return float(_SHORTEST * 2 ** ((number - 1 + within) / _BINS_OF_OCTAVE))
        left -= count
    return None
