"""The people behind the number: which of their addresses a viewer may see."""

from cloud.people.visible import Sight, Viewer, sight, viewer_of, visible_domains

__all__ = ["Sight", "Viewer", "sight", "viewer_of", "visible_domains"]
