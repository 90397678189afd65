"""The ways to shut a domain from outside the engine: its security group and its access policy."""

from portcullis.adapters.gates.aws import AwsGate

__all__ = ["AwsGate"]
