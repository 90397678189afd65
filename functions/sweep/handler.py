"""The scheduled reading of the whole truth, for what no event told."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from portcullis import operations

logger, tracer, metrics = Logger(), Tracer(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics(raise_on_empty_metrics=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    answer = operations.sweep_and_tell(operations.from_environment())
    logger.info("swept", extra={"deployments": answer})
    return answer
