"""What is told, by SNS and EventBridge."""
