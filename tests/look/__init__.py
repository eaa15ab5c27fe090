"""The look: vendored files, components, accessibility."""
