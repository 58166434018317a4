"""How SDKs are told where to send their events: what people copy from a project's page."""

from typing import NamedTuple


class Snippet(NamedTuple):
    """A few lines that make an SDK send its first event."""

    name: str
    platforms: tuple[str, ...]
    """Of projects for which it is the likeliest; others of the same family begin like these."""
    install: str
    code: str
    """With DSN where the address goes."""


DSN = "{dsn}"

SNIPPETS = (
    Snippet(
        "Python",
        ("python",),
        "pip install sentry-sdk",
        'import sentry_sdk\n\nsentry_sdk.init(dsn="{dsn}")\n\n1 / 0',
    ),
    Snippet(
        "JavaScript (browser)",
        ("javascript",),
        "npm install @sentry/browser",
        'import * as Sentry from "@sentry/browser";\n\n'
        'Sentry.init({ dsn: "{dsn}" });\n\n'
        'throw new Error("The first event");',
    ),
    Snippet(
        "Node.js",
        ("node",),
        "npm install @sentry/node",
        'const Sentry = require("@sentry/node");\n\n'
        'Sentry.init({ dsn: "{dsn}" });\n\n'
        'Sentry.captureException(new Error("The first event"));',
    ),
    Snippet(
        "Ruby",
        ("ruby",),
        "gem install sentry-ruby",
        'require "sentry-ruby"\n\n'
        'Sentry.init { |config| config.dsn = "{dsn}" }\n\n'
        'Sentry.capture_message("The first event")',
    ),
    Snippet(
        "PHP",
        ("php",),
        "composer require sentry/sentry",
        "\\Sentry\\init(['dsn' => '{dsn}']);\n\n"
        "\\Sentry\\captureException(new \\Exception('The first event'));",
    ),
    Snippet(
        "Go",
        ("go",),
        "go get github.com/getsentry/sentry-go",
        'err := sentry.Init(sentry.ClientOptions{Dsn: "{dsn}"})\n'
        "if err != nil {\n\tlog.Fatal(err)\n}\n"
        "defer sentry.Flush(2 * time.Second)\n\n"
        'sentry.CaptureMessage("The first event")',
    ),
    Snippet(
        "Java",
        ("java", "kotlin"),
        'implementation("io.sentry:sentry:8.+")',
        'Sentry.init(options -> options.setDsn("{dsn}"));\n\n'
        'Sentry.captureException(new Exception("The first event"));',
    ),
    Snippet(
        ".NET",
        ("csharp", "dotnet"),
        "dotnet add package Sentry",
        'SentrySdk.Init(options => options.Dsn = "{dsn}");\n\n'
        'SentrySdk.CaptureMessage("The first event");',
    ),
)


def snippets_for(dsn: str, platform: str) -> list[tuple[Snippet, bool]]:
    """All of them with the DSN in its place, and whether it is the one for this platform. Exactly
    one is: the first, when none is known to be."""
    family = platform.partition("-")[0]
    chosen = next((each for each in SNIPPETS if family in each.platforms), SNIPPETS[0])
    return [(each._replace(code=each.code.replace(DSN, dsn)), each is chosen) for each in SNIPPETS]
