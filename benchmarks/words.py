"""The vocabulary of made-up events."""

# ruff: noqa: SIM905 - words in a row are read more easily than a list of quoted ones

NOUNS = """
    account address adapter agent amount article asset attempt balance basket batch billing booking
    bucket buffer cache campaign cart catalog channel charge checkout client cluster column comment
    company config contact contract coupon cursor customer dataset delivery device discount document
    domain email entry event export feature feed field file filter folder gateway group handler
    history image index inventory invoice item job journal label ledger limit listing location
    manager message metric model notification offer option order owner package page parcel partner
    payment payout plan policy price product profile promotion provider quota receipt record refund
    region report request reservation resource result review role route schedule schema segment
    seller session shipment signature slot snapshot source stock store stream subscription supplier
    task tax team template tenant ticket token tracker transfer user vendor version voucher wallet
    warehouse webhook worker
""".split()

VERBS = """
    apply assign attach build calculate cancel capture check clean close collect commit compare
    compute confirm convert create decode delete deliver detach dispatch encode enqueue expand
    export extract fetch filter finalize find flush format generate get handle import index insert
    invalidate issue list load lock lookup mark merge migrate normalize notify open parse patch
    persist prepare process publish pull push query read rebuild reconcile record refresh register
    release remove render replace resolve restore retry rollback save schedule send serialize set
    sign sort split start store submit sum sync track transform trigger update upload validate
    verify write
""".split()

ERRORS = """
    ValueError KeyError TypeError AttributeError RuntimeError IndexError LookupError TimeoutError
    ConnectionError PermissionError ObjectDoesNotExist IntegrityError OperationalError
    ValidationError DoesNotExist MultipleObjectsReturned PaymentDeclined GatewayTimeout
    StockMismatch InvalidSignature QuotaExceeded SerializerError TemplateSyntaxError
    UnicodeDecodeError ZeroDivisionError
""".split()

REASONS = (
    "has no attribute",
    "is not subscriptable",
    "could not be converted",
    "was not found",
    "is already closed",
    "has expired",
    "does not match the schema",
    "violates unique constraint",
    "took too long",
    "refused the connection",
    "returned an unexpected status",
    "is locked by another worker",
    "is missing a required field",
    "cannot be negative",
    "is not JSON serializable",
    "exceeds the allowed size",
)

# A library's package and its modules.
LIBRARIES = (
    ("django/core/handlers", ("exception", "base")),
    ("django/db/models", ("query", "base", "manager")),
    ("django/db/backends", ("utils", "base")),
    ("django/utils", ("decorators", "functional", "deprecation")),
    ("rest_framework", ("views", "serializers", "viewsets", "mixins", "generics")),
    ("celery/app", ("trace", "task", "base")),
    ("requests", ("sessions", "adapters", "api")),
    ("urllib3", ("connectionpool", "connection", "response")),
    ("sqlalchemy/engine", ("base", "default", "result")),
    ("kombu/utils", ("functional", "objects")),
)

APPS = """
    billing checkout catalog orders accounts shipping search reporting notifications inventory
""".split()

MODULES = ("views", "services", "models", "tasks", "api", "gateway")

PACKAGES = """
    aiohttp amqp anyio asgiref attrs babel billiard boto3 botocore cachetools celery certifi cffi
    charset-normalizer click cryptography defusedxml django django-cors-headers django-filter
    django-redis django-storages djangorestframework drf-spectacular frozenlist google-auth greenlet
    gunicorn h11 httpcore httpx idna inflection jinja2 jmespath jsonschema kombu lxml markupsafe
    multidict oauthlib openpyxl orjson packaging pillow pip prompt-toolkit protobuf psycopg
    pycparser pydantic pyjwt python-dateutil pytz pyyaml redis requests rsa s3transfer sentry-sdk
    setuptools six sqlparse stripe typing-extensions tzdata urllib3 vine whitenoise yarl
""".split()

USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148",
    "python-requests/2.32.3",
)

REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1")
