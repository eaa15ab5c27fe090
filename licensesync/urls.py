"""Addresses of the server's pages: GitHub Connect, License with its sync, and Seats."""

from django.urls import URLPattern, URLResolver, include, path

from licensesync.views import (
    api,
    connection,
    decision,
    doctor,
    history,
    preview,
    receipt_import,
    seat_source,
    seats,
    sync,
    usage_file,
    users,
)
from licensesync.views import license as license_page

app_name = "licensesync"

connect_patterns: list[URLPattern | URLResolver] = [
    path("", connection.show, name="connection"),
    path("/state", connection.state, name="connection_state"),
    path("/enable", connection.enable, name="connection_enable"),
    path("/complete", connection.complete, name="connection_complete"),
    path("/retry", connection.retry, name="connection_retry"),
    path("/cancel", connection.cancel, name="connection_cancel"),
    path("/disable", connection.disable, name="connection_disable"),
    path("/decision", decision.decide, name="decision"),
    path("/license_sync", sync.toggle, name="license_sync"),
]

license_patterns: list[URLPattern | URLResolver] = [
    path("", license_page.show, name="license"),
    path("/edit", license_page.edit, name="license_edit"),
    path("/sync", sync.now, name="sync_now"),
    path("/sync/progress", sync.progress, name="sync_progress"),
    path("/sync/cancel", sync.cancel, name="sync_cancel"),
    path("/preview", preview.show, name="preview"),
    path("/sent", license_page.sent, name="sent"),
    path("/usage-file", usage_file.show, name="usage_file"),
    path("/usage-file/export", usage_file.export, name="usage_export"),
    path("/usage-file/receipt", receipt_import.take, name="receipt_import"),
    path("/usage-file/receipt/<int:pk>", receipt_import.confirm, name="receipt_confirm"),
    path("/usage-file/receipt/<int:pk>/discard", receipt_import.discard, name="receipt_discard"),
    path("/usage-file/<int:pk>", usage_file.download, name="usage_download"),
    path("/users", users.show, name="users"),
    path("/users.csv", users.export, name="users_export"),
    path("/users/suspending", users.suspending, name="users_suspending"),
    path("/users/exclusions", users.exclusions, name="users_exclusions"),
    path("/sent/download", history.lines, name="sent_download"),
    path("/syncs", history.syncs, name="syncs"),
    path("/syncs/<int:pk>", history.sync, name="sync"),
    path("/syncs/<int:pk>/receipt", history.receipt, name="receipt"),
    path("/syncs/<int:pk>/receipt/download", history.receipt_file, name="receipt_download"),
]

seats_patterns: list[URLPattern | URLResolver] = [
    path("", seats.show, name="seats"),
    path("/source", seat_source.edit, name="seat_source"),
    path("/refresh", seat_source.refresh, name="seats_refresh"),
    path("/<int:pk>", seats.preview, name="seats_preview"),
    path("/<int:pk>/discard", seats.discard, name="seats_discard"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("enterprises/<slug:slug>/settings/dotcom_connection", include(connect_patterns)),
    path("enterprises/<slug:slug>/settings/license", include(license_patterns)),
    path("enterprises/<slug:slug>/settings/seats", include(seats_patterns)),
    path("api/v3/enterprise/settings/license", api.license_settings, name="api_license"),
    path("enterprises/<slug:slug>/settings/doctor", doctor.show, name="doctor"),
]
