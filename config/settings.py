"""All settings. They come from the environment only; docs/configuration.md lists every variable."""

from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.embedded import broker_socket, generated_encryption_keys, generated_secret_key, kept_address
from config.env import Misconfigured, check_encryption_keys, env
from config.logs import logging_settings
from config.services import broker_addresses, database_settings, mail_settings

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("LICENSESYNC_DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()
DATABASE_URL = env.text("DATABASE_URL")
REDIS_URL = env.text("REDIS_URL")

# Which side this process serves. One machine alone tries out the two sides together; a deployment says which one it is.
if not env.text("LICENSESYNC_ROLE") and (DATABASE_URL or REDIS_URL):
    raise Misconfigured("LICENSESYNC_ROLE is not set: say server or cloud.")
ROLE = env.choice("LICENSESYNC_ROLE", ("server", "cloud", "both"), "both")
SERVES_SERVER = ROLE in {"server", "both"}
SERVES_CLOUD = ROLE in {"cloud", "both"}

# Commands typed beside `make run PORT=...` know the port from the data folder.
BASE_URL = env.origin("BASE_URL", ("" if DATABASE_URL else kept_address(DATA_DIR)) or "http://localhost:8000")
IS_HTTPS = BASE_URL.startswith("https://")
CLOUD_URLS = env.addresses("CLOUD_URLS", BASE_URL if ROLE == "both" else "")
HTTPS_PROXY = env.proxy("HTTPS_PROXY")
NO_PROXY = ",".join(env.words("NO_PROXY"))
CA_BUNDLE = env.existing_file("CA_BUNDLE")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
DNS_RESOLVERS = env.resolvers("DNS_RESOLVERS")

# Secrets: made for whoever tries the console on one machine, given by whoever runs it in earnest.
if DATABASE_URL:
    SECRET_KEY = env.required("SECRET_KEY", "with DATABASE_URL the secrets are given, not generated")
    env.required("FIELD_ENCRYPTION_KEYS", "with DATABASE_URL the secrets are given, not generated")
    FIELD_ENCRYPTION_KEYS = env.words("FIELD_ENCRYPTION_KEYS")
else:
    SECRET_KEY = env.text("SECRET_KEY") or generated_secret_key(DATA_DIR)
    FIELD_ENCRYPTION_KEYS = env.words("FIELD_ENCRYPTION_KEYS") or generated_encryption_keys(DATA_DIR)
check_encryption_keys(FIELD_ENCRYPTION_KEYS)
# What an older key signed stays good while that key is listed here.
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Who may read the measurements; without it there are none.
METRICS_TOKEN = env.bearer_token("METRICS_TOKEN")

# This machine is always a host: that is how a health check asks.
ALLOWED_HOSTS = [
    *(env.words("ALLOWED_HOSTS") or [str(urlsplit(BASE_URL).hostname)]),
    *("localhost", "127.0.0.1", "[::1]"),
]

INSTALLED_APPS = [
    "config",
    "enterprises",
    "connect",
    "licensesync",
    "cloud",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
]

MIDDLEWARE = [
    "config.middleware.trusted_proxies",
    "config.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.permissions_policy",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.sound_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "enterprises.middleware.preferences",
    "enterprises.middleware.not_allowed",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "enterprises.context.shell",
            ],
        },
    },
]

# Data. SQLite takes its write lock when a transaction begins: two writers then wait for each other instead of failing.
if DATABASE_URL:
    DATABASES = {"default": database_settings(DATABASE_URL)}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "licensesync.sqlite3",
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Broker and cache: the same Redis or Valkey.
CELERY_BROKER_URL, BROKER_CACHE_URL = broker_addresses(REDIS_URL or f"unix://{broker_socket(DATA_DIR)}")
host_mark = sha256(BASE_URL.encode()).hexdigest()[:8]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": BROKER_CACHE_URL,
        "KEY_PREFIX": f"licensesync-{host_mark}",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# Jobs. The row of a job is the truth and the broker only wakes workers: any message may be lost.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "licensesync"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 0}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 2
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    f"{side}-tick": {"task": f"{side}.tick", "schedule": 60.0, "options": {"expires": 55}}
    for side, is_served in (("licensesync", SERVES_SERVER), ("cloud", SERVES_CLOUD))
    if is_served
}

# People. Two consoles on one machine share a cookie jar (cookies ignore ports), so the names tell them apart.
AUTH_USER_MODEL = "enterprises.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "enterprises.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_SESSION_REMEMBER = True
# Attempts per address and per username; a success does not clear what failed before it.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "change_password": "5/m/user"}
SESSION_COOKIE_NAME = f"licensesync_session_{host_mark}"
CSRF_COOKIE_NAME = f"licensesync_csrf_{host_mark}"
LANGUAGE_COOKIE_NAME = f"licensesync_language_{host_mark}"
MESSAGE_STORAGE = "enterprises.flash.FlashStorage"

# Security. Everything below follows from BASE_URL: https means secure cookies, the redirect and HSTS.
DEBUG = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
# The middleware drops these headers unless a trusted proxy sent them.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = True
NINJA_NUM_PROXIES = 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# Of a form, without its files: those are streamed to disk beyond the first 2.5 MB. The API has limits of its own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "enterprises.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# Languages, files, mail, logs.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING = logging_settings(env.choice("LOG_FORMAT", ("text", "json"), "text"))
# Where EMAIL_URL names no sender, one whom a mail server may know.
DEFAULT_FROM_EMAIL = SERVER_EMAIL = f"licensesync@{urlsplit(BASE_URL).hostname}"
globals().update(mail_settings(env.text("EMAIL_URL"), DATA_DIR / "mail"))
