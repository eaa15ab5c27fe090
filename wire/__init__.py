"""What travels between a server and a cloud account: lines, parts, messages, signatures. No Django."""
