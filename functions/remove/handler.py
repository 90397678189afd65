"""The verbs of people who may delete. The same verbs as `operate`'s, behind a function of its own: a Lambda has one role for all
of its aliases, and only this one's may delete a domain or end a key."""

from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from portcullis.entry import operate
from portcullis.entry.logs import structured
from portcullis.entry.tracing import traced

logger, metrics = structured(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@traced
@metrics.log_metrics(raise_on_empty_metrics=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return operate.answer(event, context.invoked_function_arn, logger)
