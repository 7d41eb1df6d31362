"""Tests of the benchmark, and with its quick run the budgets it holds the product to."""
