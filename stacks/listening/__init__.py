"""Which events reach us, and by which queues."""
