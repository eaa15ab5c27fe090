"""What the server's pages show: reads and words, no decisions about data."""
