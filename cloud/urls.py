"""Addresses of the cloud's pages."""

from django.urls import path

from cloud.views import (
    addresses,
    changes,
    consent,
    doctor,
    domains,
    duplicates,
    instances,
    licensing,
    members,
    people,
    person,
)

app_name = "cloud"

urlpatterns = [
    path("enterprises/<slug:slug>/licensing", licensing.licensing, name="licensing"),
    path("enterprises/<slug:slug>/licensing/report.csv", licensing.report, name="report"),
    path("enterprises/<slug:slug>/licensing/history.csv", licensing.history_file, name="history"),
    path("enterprises/<slug:slug>/licensing/seats", licensing.seats, name="seats"),
    path("enterprises/<slug:slug>/licensing/duplicates", duplicates.duplicates, name="duplicates"),
    path("enterprises/<slug:slug>/licensing/duplicates/decide", duplicates.decide, name="decide_duplicates"),
    path("enterprises/<slug:slug>/licensing/duplicates/search", duplicates.search, name="search_duplicates"),
    path("enterprises/<slug:slug>/licensing/duplicates/status", duplicates.search_status, name="search_status"),
    path("enterprises/<slug:slug>/licensing/duplicates/<int:pk>", duplicates.duplicate, name="duplicate"),
    path("enterprises/<slug:slug>/licensing/savings", duplicates.proved_savings, name="savings"),
    path(
        "enterprises/<slug:slug>/licensing/instances/<int:pk>/remove",
        instances.remove,
        name="remove_instance",
    ),
    path("enterprises/<slug:slug>/licensing/changes", changes.between, name="changes"),
    path("enterprises/<slug:slug>/licensing/changes/<int:number>", changes.change, name="change"),
    path("enterprises/<slug:slug>/licensing/syncs/<uuid:snapshot_id>", changes.change_of_sync, name="change_of_sync"),
    path("enterprises/<slug:slug>/people", people.people, name="people"),
    path("enterprises/<slug:slug>/people/people.csv", people.export, name="people_export"),
    path("enterprises/<slug:slug>/people/<int:pk>", person.person, name="person"),
    path("enterprises/<slug:slug>/people/<int:pk>/data", person.data, name="person_data"),
    path("enterprises/<slug:slug>/people/<int:pk>/data.json", person.data_download, name="person_data_download"),
    path("enterprises/<slug:slug>/settings/addresses", addresses.show, name="addresses"),
    path("enterprises/<slug:slug>/settings/members", members.choose, name="members"),
    path("enterprises/<slug:slug>/settings/members/<int:pk>", members.review, name="review_members"),
    path("enterprises/<slug:slug>/settings/members/<int:pk>/discard", members.discard, name="discard_members"),
    path("enterprises/<slug:slug>/settings/domains", domains.domains, name="domains"),
    path("enterprises/<slug:slug>/settings/domains/new", domains.add, name="add_domain"),
    path("enterprises/<slug:slug>/settings/domains/<str:domain>", domains.domain, name="domain"),
    path("enterprises/<slug:slug>/settings/domains/<str:domain>/verify", domains.verify, name="verify_domain"),
    path("enterprises/<slug:slug>/settings/domains/<str:domain>/code", domains.renew, name="renew_domain"),
    path("enterprises/<slug:slug>/settings/domains/<str:domain>/approve", domains.approve, name="approve_domain"),
    path("enterprises/<slug:slug>/settings/domains/<str:domain>/delete", domains.delete, name="delete_domain"),
    path("enterprises/<slug:slug>/licensing/doctor", doctor.show, name="doctor"),
    path("enterprise-installations/new", consent.consent, name="consent"),
]
