"""What people read when the server is ready."""

from .files import Demo

READY = """
  sentrylite is ready at {url}

    Admin     {url}/admin/
    Data      {data}
    Stop      Ctrl-C
"""

UNKNOWN_ADDRESS = """
    It listens to other machines, but does not know what they call it: tell it with --url.
"""

FIRST_STEPS = """
    A project, its DSN and a token:  sentrylite setup --organization acme --project web-shop
    Somebody for the back office:    sentrylite createsuperuser
"""

DEMO = """
    Sign in   {email}, password {password}
    DSN       {dsn}
    Token     {token}

"""

CURL = "    curl -H 'Authorization: Bearer {token}' {url}/api/0/{path}\n"


def render(*, url: str, data: str, knows_its_address: bool, demo: Demo) -> str:
    """`data` says where the data is; `demo` is empty without `--demo`."""
    parts = [READY.format(url=url, data=data)]
    if not knows_its_address:
        parts.append(UNKNOWN_ADDRESS)
    parts += _demo(url, demo) if demo else [FIRST_STEPS]
    return "".join(parts)


def _demo(url: str, demo: Demo) -> list[str]:
    paths = [f"organizations/{demo['organization']}/stats/"]
    if demo.get("issue"):  # unless somebody has tidied up
        paths.insert(0, f"issues/{demo['issue']}/")
    curls = [CURL.format(token=demo["token"], url=url, path=path) for path in paths]
    return [DEMO.format(**demo), *curls]
