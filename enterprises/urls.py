"""Addresses of people: sign-in, home page, first owner."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
