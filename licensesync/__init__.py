"""The server's console: seats, sync jobs, schedule, and the pages that show them."""
