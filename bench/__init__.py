"""Benchmarks: what a call costs, by count and by time, in small directories and in large ones."""
