"""The management API under /manage/v1: behind a function key, which the host checks."""
