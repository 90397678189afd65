"""Deploys a synthesised CDK cloud assembly, unmodified, with boto3 alone: no CDK command, no bootstrap stack."""

from local.deploy.assembly import Assembly, StackArtifact
from local.deploy.stacks import DeploymentFailed, deploy, destroy

__all__ = ["Assembly", "DeploymentFailed", "StackArtifact", "deploy", "destroy"]
