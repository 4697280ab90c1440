"""Tidy numbers to matplotlib figures; nothing here knows an experiment."""
