"""The settings of data scrubbing that organizations and projects share."""

from typing import Any

SCRUBBING: tuple[str, Any] = (
    "Data scrubbing",
    {
        "description": "What is taken out of events before they are stored. What the organization "
        "or the project asks for is done.",
        "fields": [
            "data_scrubber",
            "data_scrubber_defaults",
            "sensitive_fields",
            "safe_fields",
            "scrub_ip_addresses",
        ],
    },
)
