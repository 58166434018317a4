"""A program that breaks, with the real raven: `python raven_client.py DSN`.

Prints the id of its exception and that of its message.
"""

import sys

from raven import Client, breadcrumbs


def charge(amount: int) -> float:
    return 100 / amount


def main() -> None:
    # Sent by a thread of its own, which the end of the program waits for.
    client = Client(sys.argv[1], release="shop@1.1.0", environment="staging")
    client.user_context({"id": "7", "email": "ann@example.com"})
    client.tags_context({"region": "eu-west-1"})
    breadcrumbs.record(category="cart", message="checkout began", level="info")
    try:
        charge(0)
    except ZeroDivisionError:
        print(client.captureException())
    print(
        client.captureMessage(
            "Only %s of %s left",
            params=(3, "hammers"),
            level="warning",
            data={"logger": "shop.stock"},
        )
    )


main()
