"""Users: each change one commit with its log entry."""
