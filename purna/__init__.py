"""Purna: from a sensor reading to one well-founded service order."""

__version__ = "0.1.0"
