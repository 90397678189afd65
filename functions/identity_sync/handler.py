"""People join and leave groups: the role mappings follow. Fed by the identity queue; one batch at a time a deployment."""

from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.typing import LambdaContext
from portcullis.entry import reactions
from portcullis.entry.logs import structured
from portcullis.entry.tracing import traced

logger, metrics = structured(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@traced
@metrics.log_metrics(raise_on_empty_metrics=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    batch = reactions.for_queue("identity", event, logger=logger, metrics=metrics)
    processor = BatchProcessor(EventType.SQS)
    processor.raise_on_entire_batch_failure = False  # what failed is named in the answer; the others are done
    return process_partial_response(event, batch.take_record, processor, context)
