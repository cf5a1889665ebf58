"""What runs of a classification say of their metrics, as their headers hold it."""

METRICS = {"accuracy": {"higher": True, "unit": "%"}, "loss": {"higher": False, "unit": "nats"}}
