"""One look at a key: several independent questions to KMS and CloudWatch, asked at once."""

from portcullis.adapters.keys.aws import AwsKeys

__all__ = ["AwsKeys"]
