"""People join and leave groups: the role mappings follow. Fed by the identity queue; one batch at a time a deployment."""

from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from portcullis.entry import batches
from portcullis.entry.logs import structured
from portcullis.entry.tracing import traced

logger, metrics = structured(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@traced
@metrics.log_metrics(raise_on_empty_metrics=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return batches.answer("identity", event, context, logger=logger, metrics=metrics)
