"""What every change of a user or a group is made of: its rows, its commit, its job."""
