"""What shoppers see: a browser's React."""

from issues.demo.code import browser
from issues.demo.problems import Problem, Project, tail

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
    sessions_per_hour=90,
    signed_in_per_hour=4,
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
        *tail(
            (
                ("TypeError", "Cannot read properties of null (reading 'getBoundingClientRect')"),
                ("SecurityError", "The operation is insecure."),
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
