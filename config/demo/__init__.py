"""The demo world: an enterprise with several servers, weeks of history, and people who are hard to count."""
