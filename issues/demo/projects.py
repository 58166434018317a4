"""The shop's projects, and what goes wrong in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

from issues.demo.code import Frame, browser, java, library, node, python

django = partial(library, root="/srv/venv/lib/python3.12/site-packages")
npm = partial(library, root="/app/node_modules")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that goes wrong, again and again: an issue."""

    name: str
    """Unique in its project."""
    type: str
    """The exception's; "" for a logged message."""
    value: str
    """What it says, with words in braces (`events.words`) that differ from event to event."""
    place: str
    """The transaction: a path, a route or a task."""
    frames: Sequence[Frame] = ()
    """Oldest call first."""
    weight: float = 1.0
    since: int = 0
    """The release that brought it, counted from the month's first."""
    until: int | None = None
    """The release that mended it."""
    again: int | None = None
    """The release that brought it back."""
    level: str = "error"
    handled: bool = True
    cause: tuple[str, str] | None = None
    """Type and value of the exception that led to this one."""

    def is_in(self, release: int) -> bool:
        """Whether it happens in a release."""
        if self.again is not None and release >= self.again:
            return True
        return self.since <= release and (self.until is None or release < self.until)


@dataclass(frozen=True, slots=True)
class Project:
    slug: str
    name: str
    platform: str
    share: float
    """How many of all events are its own."""
    version: str
    """Of its releases, with the release's number in braces."""
    days_per_release: float
    problems: Sequence[Problem]
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    servers: Sequence[str] = ()
    sdk: tuple[str, str] = ("", "")
    runtime: tuple[str, str] | None = None
    logger: str = ""


# The long tail ------------------------------------------------------------------------------------


def _tail(
    errors: Sequence[tuple[str, str]], spots: Sequence[tuple[str, Sequence[Frame]]]
) -> list[Problem]:
    """Rare problems: every error at every spot, each rarer than the one before."""
    pairs = list(product(errors, spots))
    # Neighbours in the list should differ in both.
    pairs.sort(key=lambda pair: (errors.index(pair[0]) * 5 + spots.index(pair[1]) * 3) % 11)
    return [
        Problem(
            name=f"rare-{number}",
            type=error,
            value=value,
            place=place,
            frames=frames,
            weight=4 / (number + 3),
            since=number % 6,
        )
        for number, ((error, value), (place, frames)) in enumerate(pairs)
    ]


# web-shop: Django -------------------------------------------------------------------------------

_HANDLER = (
    django("django/core/handlers/exception.py", "inner", 55),
    django("django/core/handlers/base.py", "_get_response", 197),
    django("django/views/generic/base.py", "view", 104),
    django("django/views/generic/base.py", "dispatch", 143),
)
_CHECKOUT = (*_HANDLER, python("shop/checkout/views.py", "post", "order = orders.place"))
_PRODUCT = partial(python, "shop/catalog/views.py", "get")
_PLACE = partial(python, "shop/checkout/orders.py", "place")
_TOTAL = partial(python, "shop/checkout/pricing.py", "total")
_PAY = partial(python, "shop/checkout/payments.py", "authorize")

_CARD = _PLACE("payment = payments.authorize")
_SUM = _PLACE("order.total = pricing.total")

WEB_SHOP = Project(
    slug="web-shop",
    name="Web Shop",
    platform="python",
    share=0.40,
    version="web-shop@4.{0}.0",
    days_per_release=3.5,
    tags={"payment": ("card", "card", "invoice", "wallet"), "shop": ("eu", "eu", "us")},
    servers=("web-1", "web-2", "web-3"),
    sdk=("sentry.python.django", "2.18.0"),
    runtime=("CPython", "3.12.6"),
    logger="shop",
    problems=(
        Problem(
            "gateway",
            "ConnectionError",
            "HTTPSConnectionPool(host='gateway.example.net', port=443): Read timed out.",
            "/checkout/",
            (
                *_CHECKOUT,
                _CARD,
                _PAY("response = session.post"),
                django("requests/sessions.py", "request", 589),
                django("requests/adapters.py", "send", 713),
            ),
            weight=7,
            cause=("ReadTimeoutError", "Read timed out. (read timeout=5)"),
        ),
        Problem(
            "declined",
            "PaymentDeclined",
            "{decline}",
            "/checkout/",
            (*_CHECKOUT, _CARD, _PAY("raise PaymentDeclined")),
            weight=10,
            level="warning",
        ),
        Problem(
            "stock",
            "OutOfStock",
            "{sku}: {few} left, {many} wanted",
            "/checkout/",
            (
                *_CHECKOUT,
                _PLACE("stock.reserve"),
                python("shop/stock/services.py", "reserve", "raise OutOfStock"),
            ),
            weight=8,
            level="warning",
        ),
        Problem(
            "voucher",
            "KeyError",
            "'{voucher}'",
            "/checkout/",
            (*_CHECKOUT, _SUM, _TOTAL("amount -= discount")),
            weight=9,
            since=1,
            until=3,
            again=6,
            handled=False,
        ),
        Problem(
            "no-address",
            "AttributeError",
            "'NoneType' object has no attribute 'country'",
            "/checkout/",
            (*_CHECKOUT, _SUM, _TOTAL("rate = TAX_RATES")),
            weight=6,
            handled=False,
        ),
        Problem(
            "no-picture",
            "AttributeError",
            "'NoneType' object has no attribute 'rendition'",
            "/product/{slug}/",
            (*_HANDLER, _PRODUCT("picture = product.pictures")),
            weight=12,
            handled=False,
        ),
        Problem(
            "no-product",
            "Product.DoesNotExist",
            "Product matching query does not exist.",
            "/product/{slug}/",
            (
                *_HANDLER,
                _PRODUCT("product = Product.objects"),
                django("django/db/models/query.py", "get", 649),
            ),
            weight=9,
            until=5,
        ),
        Problem(
            "search-json",
            "JSONDecodeError",
            "Expecting value: line 1 column 1 (char 0)",
            "/product/{slug}/",
            (
                *_HANDLER,
                _PRODUCT("prices = search.prices_near"),
                python("shop/catalog/search.py", "prices_near", "cached = json.loads"),
            ),
            weight=5,
            since=4,
            handled=False,
        ),
        Problem(
            "deadlock",
            "OperationalError",
            "deadlock detected",
            "/checkout/",
            (
                *_CHECKOUT,
                _PLACE("stock.reserve"),
                python("shop/stock/services.py", "reserve", "row = StockItem"),
                django("django/db/backends/utils.py", "execute", 105),
            ),
            weight=3,
            cause=("DeadlockDetected", "deadlock detected"),
        ),
        Problem(
            "report",
            "SoftTimeLimitExceeded",
            "SoftTimeLimitExceeded()",
            "shop.reports.tasks.nightly_sales",
            (
                django("celery/app/trace.py", "trace_task", 453),
                python("shop/reports/tasks.py", "nightly_sales", "report = render_report"),
            ),
            weight=1.5,
            level="fatal",
            handled=False,
        ),
        Problem(
            "slow", "", "Slow query: {milliseconds} ms", "/catalog/", weight=6, level="warning"
        ),
        *_tail(
            (
                ("TypeError", "unsupported operand type(s) for *: 'Decimal' and 'NoneType'"),
                ("ValueError", "invalid literal for int() with base 10: '{sku}'"),
                ("KeyError", "'currency'"),
                ("UnicodeEncodeError", "'latin-1' codec can't encode character '\\u2019'"),
                ("RecursionError", "maximum recursion depth exceeded"),
            ),
            (
                ("/checkout/", (*_CHECKOUT, _SUM, _TOTAL("amount = sum"))),
                ("/checkout/", (*_CHECKOUT, _PLACE("order.lines.create"))),
                ("/checkout/", (*_CHECKOUT, _PLACE("notify.order_placed"))),
                ("/checkout/", (*_CHECKOUT, _CARD, _PAY("payload ="))),
                ("/checkout/", (*_CHECKOUT, _CARD, _PAY("return Payment"))),
                ("/product/{slug}/", (*_HANDLER, _PRODUCT("return render"))),
            ),
        ),
    ),
)

# storefront: a browser ----------------------------------------------------------------------------

_REACT = (
    browser("vendor.js", "performWorkUntilDeadline", 2, 41733, own=False),
    browser("vendor.js", "commitRoot", 2, 118342, own=False),
)
_CLICK = (browser("vendor.js", "batchedUpdates", 2, 130004, own=False),)

STOREFRONT = Project(
    slug="storefront",
    name="Storefront",
    platform="javascript",
    share=0.32,
    version="storefront@2026.{0}",
    days_per_release=2.8,
    tags={"locale": ("de", "de", "en", "fr", "ja"), "theme": ("light", "light", "dark")},
    sdk=("sentry.javascript.react", "8.35.0"),
    problems=(
        Problem(
            "undefined-price",
            "TypeError",
            "Cannot read properties of undefined (reading 'price')",
            "/product/{slug}/",
            (*_REACT, browser("product.js", "PriceTag", 214, 31)),
            weight=14,
            handled=False,
        ),
        Problem(
            "chunk",
            "ChunkLoadError",
            "Loading chunk {few} failed.",
            "/cart/",
            (
                browser("runtime.js", "requireChunk", 88, 19),
                browser("vendor.js", "Promise.then", 2, 90211, own=False),
            ),
            weight=9,
            handled=False,
        ),
        Problem(
            "fetch",
            "TypeError",
            "Failed to fetch",
            "/cart/",
            (*_CLICK, browser("cart.js", "updateQuantity", 131, 12)),
            weight=10,
        ),
        Problem(
            "resize",
            "Error",
            "ResizeObserver loop completed with undelivered notifications.",
            "/catalog/",
            (browser("catalog.js", "Grid.observe", 61, 9),),
            weight=5,
            level="info",
        ),
        Problem(
            "storage",
            "QuotaExceededError",
            "Failed to execute 'setItem' on 'Storage': Setting the value of 'cart' exceeded the"
            " quota.",
            "/cart/",
            (*_CLICK, browser("cart.js", "remember", 40, 16)),
            weight=4,
            since=2,
        ),
        Problem(
            "checkout-null",
            "TypeError",
            "null is not an object (evaluating 'form.elements.card')",
            "/checkout/",
            (*_CLICK, browser("checkout.js", "submit", 77, 24)),
            weight=8,
            since=3,
            until=6,
            handled=False,
        ),
        Problem(
            "abort",
            "AbortError",
            "The user aborted a request.",
            "/search/",
            (browser("search.js", "suggest", 29, 7),),
            weight=6,
            level="warning",
            until=4,
            again=8,
        ),
        Problem(
            "hydration",
            "Error",
            "Hydration failed because the server rendered HTML didn't match the client.",
            "/",
            _REACT,
            weight=4,
            since=5,
        ),
        *_tail(
            (
                ("TypeError", "Cannot read properties of null (reading 'getBoundingClientRect')"),
                ("TypeError", "items.map is not a function"),
                ("ReferenceError", "structuredClone is not defined"),
                ("RangeError", "Maximum call stack size exceeded"),
                ("SyntaxError", "Unexpected token '<', \"<!doctype \"... is not valid JSON"),
            ),
            (
                ("/product/{slug}/", (*_REACT, browser("product.js", "Gallery", 302, 18))),
                ("/product/{slug}/", (*_REACT, browser("product.js", "Reviews", 377, 22))),
                ("/cart/", (*_CLICK, browser("cart.js", "applyVoucher", 166, 14))),
                ("/checkout/", (*_CLICK, browser("checkout.js", "validate", 52, 33))),
                ("/search/", (*_CLICK, browser("search.js", "filter", 91, 27))),
                ("/account/", (*_CLICK, browser("account.js", "save", 18, 5))),
            ),
        ),
    ),
)

# billing-api: Java --------------------------------------------------------------------------------

_SERVLET = (
    java("java.lang.Thread", "run", 1583),
    java("org.apache.coyote.http11.Http11Processor", "service", 391),
    java("org.springframework.web.servlet.DispatcherServlet", "doDispatch", 1089),
)
_INVOICES = (*_SERVLET, java("com.example.billing.api.InvoiceController", "create", 58))
_LEDGER = java("com.example.billing.ledger.LedgerService", "post", 112)
_CALL = java("com.example.billing.tax.TaxClient", "rateFor", 47)

BILLING_API = Project(
    slug="billing-api",
    name="Billing API",
    platform="java",
    share=0.16,
    version="billing-api@1.{0}.2+build.{0}7",
    days_per_release=6.0,
    tags={"tenant": ("north", "south", "west"), "region": ("eu-1", "eu-2")},
    servers=("billing-7d9f-a", "billing-7d9f-b"),
    sdk=("sentry.java.spring-boot", "7.16.0"),
    runtime=("OpenJDK Runtime Environment", "21.0.4"),
    logger="com.example.billing",
    problems=(
        Problem(
            "null-address",
            "NullPointerException",
            'Cannot invoke "Address.country()" because "address" is null',
            "POST /v1/invoices",
            (*_INVOICES, java("com.example.billing.tax.TaxRules", "rateOf", 31)),
            weight=10,
            handled=False,
        ),
        Problem(
            "tax-timeout",
            "ResourceAccessException",
            'I/O error on GET request for "https://tax.example.net/rates": Read timed out',
            "POST /v1/invoices",
            (*_INVOICES, _CALL),
            weight=9,
            cause=("SocketTimeoutException", "Read timed out"),
        ),
        Problem(
            "optimistic",
            "ObjectOptimisticLockingFailureException",
            "Row was updated or deleted by another transaction: Invoice#{order}",
            "PUT /v1/invoices/{id}",
            (*_SERVLET, java("com.example.billing.api.InvoiceController", "update", 91), _LEDGER),
            weight=6,
            level="warning",
        ),
        Problem(
            "pool",
            "SQLTransientConnectionException",
            "billing - Connection is not available, request timed out after {milliseconds}ms.",
            "GET /v1/invoices",
            (*_SERVLET, java("com.zaxxer.hikari.pool.HikariPool", "createTimeoutException", 696)),
            weight=4,
            level="fatal",
            since=1,
            until=3,
        ),
        Problem(
            "rounding",
            "ArithmeticException",
            "Rounding necessary",
            "POST /v1/invoices",
            (*_INVOICES, java("com.example.billing.money.Amount", "divide", 74)),
            weight=5,
            since=2,
            handled=False,
        ),
        *_tail(
            (
                ("IllegalStateException", "Ledger {order} is closed"),
                ("IllegalArgumentException", "Unknown currency: XXZ"),
                ("DateTimeParseException", "Text '31.02.2026' could not be parsed at index 0"),
                ("ConcurrentModificationException", "null"),
            ),
            (
                ("POST /v1/invoices", (*_INVOICES, _LEDGER)),
                ("POST /v1/invoices", (*_INVOICES, _CALL)),
                ("GET /v1/invoices", (*_SERVLET, java("com.example.billing.Export", "rows", 66))),
                ("POST /v1/refunds", (*_SERVLET, java("com.example.billing.Refunds", "of", 23))),
            ),
        ),
    ),
)

# mailer: Node -----------------------------------------------------------------------------------

_QUEUE = (node("src/queue.js", "work", "await handler(job)"),)
_HOOK = (
    npm("express/lib/router/layer.js", "handle", 95),
    npm("express/lib/router/route.js", "dispatch", 144),
)
_deliver: Callable[[str], Frame] = partial(node, "src/mailer.js", "deliver")
_hook: Callable[[str], Frame] = partial(node, "src/webhooks.js", "<anonymous>")

MAILER = Project(
    slug="mailer",
    name="Mailer",
    platform="node",
    share=0.12,
    version="mailer@0.{0}.1",
    days_per_release=4.5,
    tags={"queue": ("orders", "orders", "newsletter", "accounts")},
    servers=("mailer-1", "mailer-2"),
    sdk=("sentry.javascript.node", "8.35.0"),
    runtime=("node", "v20.18.0"),
    problems=(
        Problem(
            "refused",
            "Error",
            "connect ECONNREFUSED 10.0.4.17:587",
            "queue orders",
            (*_QUEUE, _deliver("const receipt"), npm("nodemailer/lib/mailer.js", "sendMail", 177)),
            weight=9,
        ),
        Problem(
            "no-customer",
            "TypeError",
            "Cannot read properties of undefined (reading 'email')",
            "queue orders",
            (*_QUEUE, _deliver("const message")),
            weight=8,
            handled=False,
            since=1,
        ),
        Problem(
            "no-template",
            "Error",
            "ENOENT: no such file or directory, open '/app/templates/{template}.hbs'",
            "queue newsletter",
            (
                *_QUEUE,
                _deliver("const template"),
                node("src/templates.js", "load", "const source"),
            ),
            weight=5,
            until=4,
        ),
        Problem(
            "signature",
            "SignatureError",
            "signature of partner {partner} does not match",
            "POST /hooks/:partner",
            (*_HOOK, _hook("verifySignature")),
            weight=5,
            level="warning",
        ),
        Problem("bounce", "", "Bounced: {bounce}", "queue newsletter", weight=5, level="info"),
        *_tail(
            (
                ("SyntaxError", "Unexpected end of JSON input"),
                ("TypeError", "handlers[event.type] is not a function"),
                ("Error", "read ECONNRESET"),
            ),
            (
                ("queue orders", (*_QUEUE, _deliver("const html"))),
                ("queue orders", (*_QUEUE, _deliver("await metrics"))),
                ("POST /hooks/:partner", (*_HOOK, _hook("const event"))),
                ("POST /hooks/:partner", (*_HOOK, _hook("await handlers"))),
            ),
        ),
    ),
)

PROJECTS = (WEB_SHOP, STOREFRONT, BILLING_API, MAILER)

OUTAGE = (WEB_SHOP.slug, "gateway")
"""What a bad afternoon is full of."""
