"""What the suite starts for itself: PostgreSQL, Valkey, a browser."""
