"""What is in the shop's releases, and when they went where."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from issues.demo.people import DEVELOPERS, People
from issues.demo.problems import Problem
from issues.demo.schedule import HOUR, Schedule
from issues.demo.visits import Visit, visits
from sentrylite.releases.commits import FileChange, NewCommit

VERBS = ("Simplify", "Speed up", "Rework", "Test", "Measure", "Document", "Untangle")

# What the shop's people work on: a file, and what it is about.
WORK = {
    "web-shop": (
        ("shop/checkout/views.py", "the steps of the checkout"),
        ("shop/checkout/orders.py", "the placing of orders"),
        ("shop/checkout/pricing.py", "taxes and vouchers"),
        ("shop/checkout/payments.py", "card payments"),
        ("shop/stock/services.py", "reservations of stock"),
        ("shop/catalog/views.py", "product pages"),
        ("shop/catalog/search.py", "the cache of prices"),
        ("shop/reports/tasks.py", "the nightly report"),
    ),
    "storefront": (
        ("src/product/Gallery.jsx", "the picture gallery"),
        ("src/product/PriceTag.jsx", "price tags"),
        ("src/product/Reviews.jsx", "the list of reviews"),
        ("src/cart/updateQuantity.js", "quantities in the cart"),
        ("src/cart/applyVoucher.js", "the voucher field"),
        ("src/checkout/validate.js", "the checkout form"),
        ("src/search/suggest.js", "search suggestions"),
        ("src/account/save.js", "the account page"),
    ),
    "billing-api": (
        ("src/main/java/com/example/billing/api/InvoiceController.java", "the invoice endpoints"),
        ("src/main/java/com/example/billing/ledger/LedgerService.java", "postings to the ledger"),
        ("src/main/java/com/example/billing/tax/TaxClient.java", "the client for tax rates"),
        ("src/main/java/com/example/billing/tax/TaxRules.java", "tax rules"),
        ("build.gradle", "the build"),
        ("src/main/resources/application.yaml", "the connection pool"),
    ),
    "mailer": (
        ("src/mailer.js", "the delivery of mail"),
        ("src/queue.js", "retries of the queue"),
        ("src/templates.js", "the cache of templates"),
        ("src/webhooks.js", "partners' webhooks"),
        ("src/metrics.js", "counters of mail"),
        ("package.json", "dependencies"),
    ),
}


@dataclass(frozen=True, slots=True)
class Shipped:
    """A release that came out."""

    moment: float
    project: str
    version: str
    staged_at: float
    """When it went to staging, from where it went on."""
    commits: list[NewCommit]
    """The newest first."""
    visits: Iterator[Visit]
    """Who used it, and how that went, the oldest first. Made as it is read."""


def ship(seed: int, schedule: Schedule, people: People, release: int) -> Shipped:
    """One of a project's releases. Its commits have the same keys whenever it is told."""
    slug, moment = schedule.project.slug, schedule.released(release)
    chance = random.Random(f"{seed} {slug} {release}")  # noqa: S311 - nothing here is secret
    staged_at = moment - (0.5 + chance.random()) * min(4 * HOUR, schedule.step / 8)
    before = staged_at - schedule.step * 0.7
    work = list(_mended(schedule, release))
    count = max(chance.randint(2, 6) - len(work), 2)
    work += [
        (f"{chance.choice(VERBS)} {thing}", path)
        for path, thing in chance.sample(WORK[slug], count)
    ]
    moments = sorted((chance.uniform(before, staged_at) for _ in work), reverse=True)
    commits = [
        _commit(chance, slug, message, path, at)
        for (message, path), at in zip(work, moments, strict=True)
    ]
    shown = visits(chance, schedule, people, release, staged_at)
    return Shipped(moment, slug, schedule.version(release), staged_at, commits, shown)


def _mended(schedule: Schedule, release: int) -> Iterator[tuple[str, str]]:
    """The commits that mend what a release mends: messages and files."""
    for problem in schedule.project.problems:
        if problem.until == release:
            yield f"Do not fail with {problem.type} in {problem.place}", _file_of(schedule, problem)


def _file_of(schedule: Schedule, problem: Problem) -> str:
    """The file in which it went wrong, or one that is about the same place; else the settings."""
    own = [path for path, _ in WORK[schedule.project.slug]]
    for frame in reversed(problem.frames):
        if frame["filename"] in own:
            return str(frame["filename"])
    words = [f"/{word}/" for word in problem.place.split("/") if word]
    return next((path for path in own if any(word in path for word in words)), own[-1])


def _commit(chance: random.Random, slug: str, message: str, path: str, at: float) -> NewCommit:
    name, email = chance.choice(DEVELOPERS)
    return NewCommit(
        key=f"{chance.getrandbits(160):040x}",
        repository=f"shop/{slug}",
        message=message,
        author_name=name,
        author_email=email,
        created_at=datetime.fromtimestamp(at, UTC),
        changes=(FileChange(path, "M"),),
    )
