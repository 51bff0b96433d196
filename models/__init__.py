"""Store to assessment: features, labels, models, training, scoring. Talks in core types only."""
