"""The partitions of the table of events: one a week of receipt, made ahead, dropped when old."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

WEEK = timedelta(weeks=1)
WEEKS_AHEAD = 4
ADDRESSES_AT_ONCE = 5_000


class Partition(NamedTuple):
    name: str
    start: datetime
    end: datetime


LIST = """
    SELECT child.relname FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = 'issues_event'::regclass AND child.relname ~ '^issues_event_[0-9]{8}$'
    ORDER BY child.relname
"""

# Events that a clock far off put into the default partition would keep the week's own from being
# attached: they move.
MAKE = """
    CREATE TABLE {name} (LIKE issues_event INCLUDING DEFAULTS INCLUDING STORAGE);
    WITH moved AS (
        DELETE FROM issues_event_default
        WHERE received_at >= '{start}' AND received_at < '{end}' RETURNING *)
    INSERT INTO {name} SELECT * FROM moved;
    ALTER TABLE issues_event ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')
"""

FORGET_ADDRESSES = """
    WITH gone AS (
        SELECT project_id, event_id FROM issues_eventaddress
        JOIN {name} USING (project_id, event_id)
        LIMIT %s)
    DELETE FROM issues_eventaddress USING gone
    WHERE issues_eventaddress.project_id = gone.project_id
        AND issues_eventaddress.event_id = gone.event_id
"""


def week_of(moment: datetime) -> Partition:
    """The partition that an event received at this moment is in: Monday to Monday, UTC."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = day - timedelta(days=day.weekday())
    return Partition(f"issues_event_{start:%Y%m%d}", start, start + WEEK)


def existing(cursor: Any) -> list[Partition]:
    """The weekly partitions there are, oldest first."""
    cursor.execute(LIST)
    starts = [name.rpartition("_")[2] for (name,) in cursor.fetchall()]
    return [week_of(datetime.strptime(start, "%Y%m%d").replace(tzinfo=UTC)) for start in starts]


def ensure_partitions(cursor: Any, now: datetime) -> list[str]:
    """Make the partitions of this week and the next four; returns the new ones' names.

    Runs in the caller's transaction, which is to hold the lock of `issues.maintenance`.
    """
    have = {partition.name for partition in existing(cursor)}
    wanted = [week_of(now + week * WEEK) for week in range(WEEKS_AHEAD + 1)]
    new = [partition for partition in wanted if partition.name not in have]
    for name, start, end in new:
        cursor.execute(MAKE.format(name=name, start=start.isoformat(), end=end.isoformat()))
    return [partition.name for partition in new]


def expired(cursor: Any, before: datetime) -> list[Partition]:
    """The partitions in which every event was received before this moment."""
    return [partition for partition in existing(cursor) if partition.end <= before]


def forget_addresses(cursor: Any, partition: Partition) -> int:
    """Delete some ids of an expired partition's events; 0 when none is left."""
    cursor.execute(FORGET_ADDRESSES.format(name=partition.name), [ADDRESSES_AT_ONCE])
    return cursor.rowcount


def drop(cursor: Any, partition: Partition) -> None:
    """Drop a partition and all events in it. Their addresses are to be forgotten first."""
    cursor.execute(f"DROP TABLE {partition.name}")
