"""Sparkplug B 3.0: wire format, what is remembered of edge nodes, and what messages say."""
