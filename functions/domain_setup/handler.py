"""The custom resource that puts a deployment's access model on its domain, and registers the deployment."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from portcullis.entry import custom_resource
from portcullis.entry.logs import structured
from portcullis.entry.tracing import traced

logger = structured()


@logger.inject_lambda_context(clear_state=True, correlation_id_path="RequestId")
@traced
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    custom_resource.answer(event, logger)
