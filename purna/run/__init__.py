"""The top: the only place that knows every package, reads settings and starts processes."""
