"""Where a server's seats come from: a real GHES, or a watched file; read whole or not at all."""
