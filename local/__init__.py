"""What stands in for Azure on a laptop: `python3 -m local start` and `python3 -m local test`."""
