"""The shop itself: Django."""

from functools import partial

from issues.demo.code import library, python
from issues.demo.problems import Problem, Project, tail

django = partial(library, root="/srv/venv/lib/python3.12/site-packages")

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
    sessions_per_hour=70,
    signed_in_per_hour=2,
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
        *tail(
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
