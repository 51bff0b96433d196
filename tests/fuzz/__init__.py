"""Any bytes: every decoder answers with values within the contract's limits, or a refusal."""
