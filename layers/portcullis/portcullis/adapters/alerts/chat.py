"""An alert as a chat takes it: a custom notification of Amazon Q Developer in chat applications, which shows no other text of a topic.

Source of its form: https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portcullis.ports.alerts import Alert
from portcullis.words import line

_CHARACTERS = 1_000  # of a text: a chat shows some three thousand in all


def notification(alert: Alert, title: str, thread: str, more: Sequence[str] = ()) -> dict[str, Any]:
    """`thread`: what is told under the same one stands together. `more`: what to look at besides, a line each."""
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "title": _shown(title),
            "description": f"{_shown(alert.happened)}\n{_shown(alert.done)}",
            "nextSteps": [_shown(alert.next), *more],
        },
        "metadata": {
            "threadId": thread,
            "summary": _shown(title),
            "eventType": alert.name,
            "relatedResources": [_shown(alert.deployment)],
        },
    }


def _shown(words: str) -> str:
    """Text in which no name becomes a mention, or a link that reads like something else."""
    return line(words, _CHARACTERS).replace("<", "‹").replace(">", "›").replace("](", "] (")
