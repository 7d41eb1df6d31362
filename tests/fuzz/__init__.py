"""Fuzzing: the product against an independent library, and against requests gone wrong."""
