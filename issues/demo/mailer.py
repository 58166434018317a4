"""Mail and webhooks: Node."""

from functools import partial

from issues.demo.code import library, node
from issues.demo.problems import Problem, Project, tail

npm = partial(library, root="/app/node_modules")

_QUEUE = (node("src/queue.js", "work", "await handler(job)"),)
_HOOK = (
    npm("express/lib/router/layer.js", "handle", 95),
    npm("express/lib/router/route.js", "dispatch", 144),
)
_deliver = partial(node, "src/mailer.js", "deliver")
_hook = partial(node, "src/webhooks.js", "<anonymous>")

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
    sessions_per_hour=120,
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
        *tail(
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
