"""Groups and their members, at the same cost whatever their size."""
