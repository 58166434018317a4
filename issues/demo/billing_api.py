"""Invoices and taxes: Java."""

from issues.demo.code import java
from issues.demo.problems import Problem, Project, tail

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
    sessions_per_hour=260,
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
        *tail(
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
