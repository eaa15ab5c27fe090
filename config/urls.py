"""All addresses: the people's pages always, then the pages and the API of the side or sides that are served."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from config.health import healthz, readyz
from config.metrics import metrics
from enterprises.views import bad_request

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("", include("enterprises.urls")),
]

handler400 = bad_request

if settings.SERVES_SERVER:
    urlpatterns.append(path("", include("licensesync.urls")))
if settings.SERVES_CLOUD:
    # The API answers whatever else is asked for under its prefix, so it comes last.
    urlpatterns += [path("", include("cloud.urls")), path("", include("cloud.api.urls"))]
