"""How the functions log: one line of JSON a record, the library's own records like the handlers', with deployment and correlation id."""

from __future__ import annotations

import logging

from aws_lambda_powertools import Logger

from portcullis.correlation import correlation, deployment

_LIBRARY = __name__.partition(".")[0]


def structured() -> Logger:
    """The handler's logger. What any module of the library logs goes out the same way, with the same keys, once."""
    logger = Logger()
    library = logging.getLogger(_LIBRARY)
    library.handlers = [logger.registered_handler]
    library.setLevel(logger.log_level)
    library.propagate = False  # Lambda's own handler would write each a second time, as bare text
    if not any(isinstance(one, _Because) for one in logger.registered_handler.filters):
        logger.registered_handler.addFilter(_Because())
    return logger


class _Because(logging.Filter):
    """Puts to a record what it is about and because of what, where the thread that logs knows better than the handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        for key, value in (("correlation_id", correlation()), ("deployment", deployment())):
            if value and not hasattr(record, key):
                setattr(record, key, value)
        return True
