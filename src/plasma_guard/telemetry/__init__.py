"""What the guard tells people and machines: logs, alerts, metrics, health, and the service manager."""
