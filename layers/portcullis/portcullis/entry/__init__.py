"""How work comes in: events from queues, a person's verbs, CloudFormation's custom resources."""
