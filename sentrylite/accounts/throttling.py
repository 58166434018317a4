"""How often passwords may be guessed. Counted in the database, for all processes together.

Within a quarter of an hour an address may try an account a few times, and all accounts some dozens
of times. An account may be tried some times from addresses it has not been signed in to from: so
many addresses do not help a guesser, and who guesses does not lock out its owner, whose own address
is known. An attempt is counted before the password is looked at, so that those that come together
are counted too; one that succeeds is taken back.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.db import connection
from django.utils.crypto import salted_hmac

WINDOW = timedelta(minutes=15)
PER_ADDRESS_AND_ACCOUNT = 5
PER_ACCOUNT = 20
PER_ADDRESS = 50
KNOWN_FOR = timedelta(days=90)
"""How long an address is known to an account after it was last signed in to from there."""

# A window begins with the first attempt; those beyond the limit do not make it any longer.
COUNT = """
    INSERT INTO accounts_loginattempts AS counted (key, since, attempts)
    VALUES (%(key)s, %(now)s, 1)
    ON CONFLICT (key) DO UPDATE SET
        since = CASE WHEN counted.since > %(start)s THEN counted.since ELSE EXCLUDED.since END,
        attempts = CASE WHEN counted.since > %(start)s THEN counted.attempts + 1 ELSE 1 END
    RETURNING attempts, since, signed_in_at
"""
TAKE_BACK = """
    UPDATE accounts_loginattempts SET attempts = GREATEST(attempts - 1, 0) WHERE key = %(key)s
"""
REMEMBER = """
    UPDATE accounts_loginattempts SET attempts = 0, signed_in_at = %(now)s WHERE key = %(key)s
"""
PRUNE = """
    DELETE FROM accounts_loginattempts
    WHERE since <= %(start)s AND (signed_in_at IS NULL OR signed_in_at <= %(known)s)
"""


class TooManyAttempts(Exception):
    """It is to be tried again when `wait` is over."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"again in {wait}")
        self.wait = wait


class Attempt:
    """An attempt to sign in to an account from an address.

    Raises TooManyAttempts when it is one too many. Three statements at most, and three more when it
    succeeds.
    """

    def __init__(self, account: str, address: str | None, now: datetime) -> None:
        account, network = account.strip().casefold(), _network(address)
        self._now = now
        self._both = _key("both", account, network)
        self._counted = [_key("address", network)]
        self._count(self._counted[0], PER_ADDRESS)
        known_at = self._count(self._both, PER_ADDRESS_AND_ACCOUNT)
        if known_at is None or known_at <= now - KNOWN_FOR:
            self._counted.append(_key("account", account))
            self._count(self._counted[1], PER_ACCOUNT)

    def succeed(self) -> None:
        """It was the right password."""
        with connection.cursor() as cursor:
            cursor.execute(REMEMBER, {"key": self._both, "now": self._now})
            for key in self._counted:
                cursor.execute(TAKE_BACK, {"key": key})

    def _count(self, key: str, limit: int) -> datetime | None:
        """When it was last the right one."""
        facts: dict[str, Any] = {"key": key, "now": self._now, "start": self._now - WINDOW}
        with connection.cursor() as cursor:
            cursor.execute(COUNT, facts)
            attempts, since, signed_in_at = cursor.fetchone()
        if attempts > limit:
            raise TooManyAttempts(since + WINDOW - self._now)
        return signed_in_at


def prune(now: datetime) -> int:
    """Forget what is over; returns how many counters that were."""
    with connection.cursor() as cursor:
        cursor.execute(PRUNE, {"start": now - WINDOW, "known": now - KNOWN_FOR})
        return cursor.rowcount


def _key(kind: str, *parts: str) -> str:
    return salted_hmac("login-attempts", "\0".join((kind, *parts)), algorithm="sha256").hexdigest()


def _network(address: str | None) -> str:
    """Whoever has an address of IPv6 has as many as he likes, all in one network."""
    if address is None:
        return ""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return address
