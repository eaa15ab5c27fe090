"""What the cloud's pages show beyond plain rows: put together here, so that views stay thin."""
