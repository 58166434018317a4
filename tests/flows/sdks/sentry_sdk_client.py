"""A program that breaks, with the real sentry-sdk: `python sentry_sdk_client.py DSN`.

Prints the id of its exception and that of its message.
"""

import sys

import sentry_sdk


def charge(amount: int) -> float:
    return 100 / amount


def main() -> None:
    sentry_sdk.init(sys.argv[1], release="shop@1.2.0", environment="staging")
    sentry_sdk.set_user({"id": "7", "email": "ann@example.com"})
    sentry_sdk.set_tag("region", "eu-west-1")
    sentry_sdk.add_breadcrumb(category="cart", message="checkout began", level="info")
    try:
        charge(0)
    except ZeroDivisionError:
        print(sentry_sdk.capture_exception())
    print(
        sentry_sdk.capture_event(
            {
                "level": "warning",
                "logger": "shop.stock",
                "logentry": {"message": "Only %s of %s left", "params": ["3", "hammers"]},
            }
        )
    )
    sentry_sdk.flush(10)


main()
