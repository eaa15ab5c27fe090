"""Registers the roof as an app, so that its commands are found."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "config"
