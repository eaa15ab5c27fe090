"""The line between the two sides through what companies put between them."""
