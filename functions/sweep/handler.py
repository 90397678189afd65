"""The scheduled reading of the whole truth, for what no event told."""

from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from portcullis.entry.logs import structured
from portcullis.entry.tracing import traced
from portcullis.operations.sweep import sweep_and_tell
from portcullis.wiring import from_environment

logger, metrics = structured(), Metrics()


@logger.inject_lambda_context(clear_state=True, correlation_id_path="id")
@traced
@metrics.log_metrics(raise_on_empty_metrics=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    answer = sweep_and_tell(from_environment())
    logger.info("swept", extra={"deployments": answer})
    return answer
