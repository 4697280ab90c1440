"""Runs to tidy numbers; no matplotlib."""
