"""Everything that the SDK doors refuse: status and text (ingest contract, section 3).

The texts of the store door are measured (observed, section 9): people search for them.
"""

from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    text: str
    name: str | None = None
    """`error_name`, in the store door's form only."""
    headers: Headers = ()
    causes: tuple[str, ...] = ()
    """In the envelope door's form only."""


class Refused(Exception):
    """Raised by whoever finds the fault; the application answers with its refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


# Who may send

NO_CREDENTIALS = Refusal(401, "Unable to find authentication information")
NO_ENVELOPE_CREDENTIALS = Refusal(401, "missing authorization information")
# The old server broke on this with a 500.
TWO_CREDENTIALS = Refusal(400, "Authentication information was sent in more than one place")
MALFORMED_KEY = Refusal(400, "Invalid api key")
UNKNOWN_KEY = Refusal(401, "Invalid api key")
DISABLED_KEY = Refusal(401, "API key is disabled")
NO_CLIENT = Refusal(400, "Client did not send 'client' identifier")
# A key of another project than the path's: the store door's status of old, the envelope door's
# of today.
OTHER_PROJECT = Refusal(400, "Two different projects were specified")
OTHER_ENVELOPE_PROJECT = Refusal(401, "Two different projects were specified")


def unknown_project(project: str) -> Refusal:
    """No number, or no project that is there to be used."""
    return Refusal(400, f"Invalid project_id: {_quoted(project)}")


def unsupported_version(version: str) -> Refusal:
    text = f"Client using unsupported server protocol version ({_quoted(version)})"
    return Refusal(400, text)


def invalid_origin(origin: str) -> Refusal:
    return Refusal(403, f"Invalid origin: {origin}")


def _quoted(text: str) -> str:
    """As the old server quoted: the way Python 2 wrote a text, never more than ASCII."""
    return "u" + ascii(text[:200])


# What was sent

NO_DATA = Refusal(400, "No JSON data was found")

NO_REPORT = Refusal(400, "No report or interface data")
NOT_A_REPORT = Refusal(415, "Invalid Content-Type")
UNKNOWN_REPORT = Refusal(400, "Unrecognized security report type")
FOREIGN_REPORT = Refusal(403, "Invalid origin")


def incomplete_report(missing: str) -> Refusal:
    return Refusal(400, f"Invalid security report: {missing} is missing")


def too_large(reason: object) -> Refusal:
    return Refusal(413, str(reason))


def too_slow(reason: object) -> Refusal:
    return Refusal(408, str(reason), headers=((b"connection", b"close"),))


def unknown_encoding(reason: object) -> Refusal:
    return Refusal(415, str(reason))


def undecodable(reason: object) -> Refusal:
    return Refusal(400, f"Bad data decoding request ({reason})")


def not_an_event(reason: object = "Expecting value: line 1 column 1 (char 0)") -> Refusal:
    return Refusal(400, f"Bad data reconstructing object (JSONDecodeError, {reason})")


def bad_report(reason: object) -> Refusal:
    return Refusal(400, f"Invalid user report: {reason}")


def broken_envelope(reason: object) -> Refusal:
    return Refusal(400, "invalid event envelope", causes=(str(reason),))


def filtered(name: object) -> Refusal:
    """By an inbound filter of the project."""
    return Refusal(403, f"Event dropped due to filter: {name}")


# What could not be done

RATE_LIMITED = "Creation of this event was denied due to rate limiting"


def rate_limited(seconds: int) -> Refusal:
    """The key's window is used up and ends in `seconds`: for events, not for what else SDKs send
    (clients contract, section 9.7)."""
    limits = f"{seconds}:default;error;security:key:key_quota"
    headers = (
        (b"retry-after", str(seconds).encode()),
        (b"x-sentry-rate-limits", limits.encode()),
    )
    return Refusal(429, RATE_LIMITED, "rate_limit", headers)


# Seconds, categories, scope and reason of the limit: a few batches later there is room again.
QUEUE_FULL = Refusal(
    429,
    RATE_LIMITED,
    "rate_limit",
    (
        (b"retry-after", b"1"),
        (b"x-sentry-rate-limits", b"1:default;error;security:organization:queue_full"),
    ),
)
NOT_STORED = Refusal(500, "The event could not be stored.")
NO_DATABASE = Refusal(503, "The database is not available.")
NO_SPACE = Refusal(503, "There is no space for the request body")
