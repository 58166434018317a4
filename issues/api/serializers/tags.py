"""Tags as JSON (issues contract, section 9)."""

NAMES = {
    "dist": "Distribution",
    "exc_type": "Exception Type",
    "os": "OS",
    "release": "Release",
    "server_name": "Server",
    "url": "URL",
    "user": "User",
}


def tag_name(key: str) -> str:
    """What people read for a tag key: `os.name` is `Os.Name`, `server_name` is `Server`."""
    return NAMES.get(key) or key.replace("_", " ").title()
