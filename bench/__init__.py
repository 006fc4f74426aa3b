"""Benchmarks: ratios measured in one run, because machines are noisy."""
