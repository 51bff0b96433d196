"""Device to store: links, topics, payloads, quality checks, stores and the device registry."""
