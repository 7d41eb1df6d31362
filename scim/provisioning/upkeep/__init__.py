"""What is due without anyone asking."""
