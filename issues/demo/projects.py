"""The shop's projects."""

from issues.demo.billing_api import BILLING_API
from issues.demo.mailer import MAILER
from issues.demo.storefront import STOREFRONT
from issues.demo.web_shop import WEB_SHOP

PROJECTS = (WEB_SHOP, STOREFRONT, BILLING_API, MAILER)

OUTAGE = (WEB_SHOP.slug, "gateway")
"""What a bad afternoon is full of."""
