"""Benchmarks: what a call costs, by count and by time, in small directories and in large ones.

`python3 -m local bench` fails on what it counts (round trips, growth, memory) and only reports
times, which are the machine's. With `--rules` it applies 200 rules to 100 000 users instead. To
compare with scim2-server, install that into the environment (`.venv/bin/python -m pip install
scim2-server`): the next run sends it the same calls.
"""
