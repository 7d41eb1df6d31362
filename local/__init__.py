"""What stands in for Azure on a laptop, and the two commands of the README."""
