"""Assessment → order: findings with hysteresis, decisions with a reason, one order per incident."""
