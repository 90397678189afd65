"""From a queued event to the operation it asks for. What the two queue-fed functions call, once a batch."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from portcullis import signals
from portcullis.correlation import concerning, correlate
from portcullis.errors import MalformedEvent, Refused
from portcullis.operations import alert_table
from portcullis.operations.access.scopes import scope_of, scope_of_account
from portcullis.operations.custody.reminders import Postponed, is_reminder, postponed, postponed_of, reminded_of
from portcullis.operations.services import Services, Trigger
from portcullis.operations.writing.standing import as_far_as_readable
from portcullis.ports.alerts import Alert
from portcullis.signals.types import ACCOUNT, Concern, Scope, Signal
from portcullis.wiring import from_environment
from portcullis.words import line

log = logging.getLogger(__name__)
_FULL_BATCH = 10  # the most that a FIFO queue hands out at once
_GATHER_SECONDS = 0.75
_WROTE: dict[str, bool] = {}  # of this process, from batch to batch
_TRIES_IN_LINE = 2  # of a message about the key, before it stands aside for what comes after it
_AHEAD = timedelta(days=1)  # that a clock may be before ours; an event from later than that is none
# Signals of access, keys and the domain after which who may become whom may be another, too.
SECRET_CHANGED = "secret-changed"  # noqa: S105 - a signal; besides a road, a password to follow
ROADS_TOO = frozenset({"role-created", "role-deleted", "sign-in-roles-changed", "domain-changed"})
# After the first failure, the second, ... What waits behind a message about people is somebody who left: the pauses there stay short.
_TRY_AGAIN_SECONDS = {"identity": (1, 4, 15), "key": (1, 4, 15, 45, 120)}


@dataclass(frozen=True, slots=True)
class Queued:
    """One message of a FIFO queue, as SQS hands it to a function."""

    body: str
    deployment: str  # the message group
    sent_at: datetime
    receives: int


def queued(record: Mapping[str, Any]) -> Queued:
    """Read an SQS record (attributes as strings, times in milliseconds)."""
    attributes = record["attributes"]
    return Queued(
        body=record["body"],
        deployment=attributes["MessageGroupId"].partition(".")[0],  # what follows is the kind of event: `stacks.domain`
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
        receives=int(attributes["ApproximateReceiveCount"]),
    )


@dataclass(slots=True)
class Reactions:
    """Reacts to one batch. Level-triggered: the first event of a deployment makes it read the truth, which covers the others."""

    services: Services
    queue: str  # "identity" or "key": whose dead letters take what will never be understood
    logger: Any  # a Powertools Logger, or anything with its append_keys and info
    metrics: Any  # a Powertools Metrics, or anything with its add_metric
    # Deployment, and what is looked at: read in this batch, or by a try to come. Everything in a batch was sent before it began.
    covered: set[tuple[str, str]] = field(default_factory=set)
    sizes: Mapping[str, int] = field(default_factory=dict)  # deployment -> messages in this batch
    wrote: dict[str, bool] = field(
        default_factory=dict
    )  # deployment -> whether its last reconcile changed anything; outlives a batch
    scopes: dict[str, Scope] = field(default_factory=dict)  # deployment -> what it listens to, read once a batch

    def take_record(self, record: Any) -> str:
        """React to one SQS record (a Powertools SQSRecord or its dictionary); returns what was done, in a word.

        One that failed is seen again soon, and reads the truth then: so it covers the later ones of its deployment in this batch.
        """
        raw = record.raw_event if hasattr(record, "raw_event") else record
        if is_reminder(raw):
            return self._reminded(raw)
        message = queued(raw)
        concerning(message.deployment)
        self.logger.append_keys(deployment=message.deployment, receives=message.receives)
        try:
            done = self.take(message)
        except Exception as error:
            self.logger.warning(f"not done in try {message.receives}: {line(f'{type(error).__name__}: {error}')}")
            if self._stands_aside(message, error):
                return "postponed"
            self.services.queue_again(raw["eventSourceARN"], raw["receiptHandle"], self._wait(message))
            raise
        self.logger.info(done)
        self.metrics.add_metric(name=f"Event{done.capitalize()}", unit="Count", value=1)
        return done

    def _stands_aside(self, message: Queued, error: Exception) -> bool:
        """Whether a message about the key that failed twice waits among the reminders from now on, where nothing waits behind it: the next
        word about a key may be the one that matters. Where it cannot be put there it waits in the queue as it did."""
        if self.queue != "key" or message.receives < _TRIES_IN_LINE or self._is_last_try(message):
            return False
        try:
            self.services.later(postponed(message.body, message.deployment, message.receives), self._wait(message))
        except Exception as failed:
            self.logger.warning(
                f"could not be postponed, {type(failed).__name__}; {type(error).__name__} keeps it in line"
            )
            return False
        return True

    def _postponed(self, raw: Mapping[str, Any], waiting: Postponed) -> str:
        """Another try of a message that stood aside. What raises here comes again by itself: nothing is lost."""
        sent = datetime.fromtimestamp(int(raw["attributes"]["SentTimestamp"]) / 1000, UTC)
        message = Queued(waiting.event, waiting.deployment, sent, waiting.tries + 1)
        concerning(message.deployment)
        self.logger.append_keys(deployment=message.deployment, receives=message.receives)
        try:
            done = self._react(message)
        except MalformedEvent as error:
            self._bury_unread(message, error)
            return "buried"
        except Exception as error:
            said = line(f"{type(error).__name__}: {error}")
            self.logger.warning(f"not done in try {message.receives}: {said}")
            if not self._is_last_try(message):
                again = postponed(message.body, message.deployment, message.receives)
                self.services.later(again, self._wait(message))
                return "postponed"
            told = f"an event could not be handled in {message.receives} tries: {said}"
            self._bury(message, said, told, "later events had not waited for it")
            return "buried"
        self.logger.info(done)
        return done

    def _reminded(self, raw: Mapping[str, Any]) -> str:
        """Look as was asked for. What fails now is the sweep's: a reminder that came again and again would remind of nothing."""
        from portcullis.operations.custody.guard import NOT_BY_EVENTS, guard

        if waiting := postponed_of(raw):
            return self._postponed(raw, waiting)
        try:
            deployment = reminded_of(raw)
            concerning(deployment)
            self.logger.append_keys(deployment=deployment)
            guard(self.services, deployment, Trigger("a reminder", "portcullis"), leaves=NOT_BY_EVENTS)
        except Exception as error:
            self.logger.warning(f"left to the sweep: {type(error).__name__}: {error}")
            return "left"
        self.logger.info("looked as was asked for")
        return "done"

    def _wait(self, message: Queued) -> int:
        """Seconds until a message that failed is seen again. After its last try at once: the queue then takes it out of the way."""
        if self._is_last_try(message):
            return 0
        pauses = _TRY_AGAIN_SECONDS[self.queue]
        return pauses[min(message.receives, len(pauses)) - 1]

    def _is_last_try(self, message: Queued) -> bool:
        return message.receives >= self.services.settings.queue_tries

    def take(self, message: Queued) -> str:
        """React to one message: nothing, covered, done or buried. Raises what a later try may mend."""
        try:
            return self._react(message)
        except MalformedEvent as error:
            self._bury_unread(message, error)
            return "buried"
        except Exception as error:
            if self._is_last_try(message):
                self._last_try(message, error)
            raise

    def _react(self, message: Queued) -> str:
        event = _event(message)  # before anything is asked of anybody: what is none will never be one
        signal = _read(event, message, self._scope(message.deployment))
        correlate(signal.event_id)
        self.logger.append_keys(correlation_id=signal.event_id, signal=signal.name, because=signal.because)
        if signal.name is None:
            return "nothing"
        if message.deployment == ACCOUNT:  # of whatever concern: what belongs to the account is only looked at
            from portcullis.operations.watching.roads import look_at_roads
            from portcullis.operations.watching.seeing import look_at_account

            cause = Trigger(signal.event_id, signal.actor, signal.at)
            look_at_account(self.services, cause, signal)
            look_at_roads(self.services, ACCOUNT, cause)
            return "done"
        if signal.concern is Concern.ROADS:
            from portcullis.operations.watching.roads import look_at_roads

            cause = Trigger(signal.event_id, signal.actor, signal.at)
            if signal.name == SECRET_CHANGED:
                self._follow_secrets(message.deployment, cause)  # first: until then the old password is good
            look_at_roads(self.services, message.deployment, cause, signal)
            return "done"
        if signal.concern is Concern.BREAK_GLASS:  # each is told: none covers another
            from portcullis.operations.custody.break_glass import break_glass_used

            return "done" if break_glass_used(self.services, message.deployment, signal) else "covered"
        about = (message.deployment, _looked_at(signal))
        if about in self.covered or self._is_covered(message, signal):
            return "covered"
        if not self._is_last_try(message):
            self.covered.add(about)
        cause = Trigger(signal.event_id, signal.actor, signal.at)
        # Each of the two functions that come here calls one of these, and at its start should not pay for the other.
        if signal.concern is Concern.IDENTITY:
            from portcullis.operations.access.synchronise import synchronise, tell_refused

            self._gather(message.deployment)
            try:
                self.wrote[message.deployment] = (
                    synchronise(self.services, message.deployment, cause, short=True).writes > 0
                )
            except Refused as error:
                # Another try would be refused as well: it is told, the sweep tries again, and what comes behind it is not held up.
                tell_refused(self.services, message.deployment, error)
                self.covered.add(about)
                return "refused"
        else:
            from portcullis.operations.custody.guard import NOT_BY_EVENTS, guard

            guard(self.services, message.deployment, cause, hint=signal, leaves=NOT_BY_EVENTS)
        self.covered.add(about)
        if signal.name in ROADS_TOO:
            self._look_at_roads(message.deployment, cause)
        return "done"

    def _follow_secrets(self, deployment: str, cause: Trigger) -> None:
        """Raises only what a later try may mend; what is refused is refused again by the sweep, which tells it."""
        from portcullis.operations.people.following_secrets import follow_secrets

        try:
            follow_secrets(self.services.site(deployment), cause)
        except Refused as error:
            self.logger.warning(f"a password is left to the sweep: {line(str(error))}")

    def _look_at_roads(self, deployment: str, cause: Trigger) -> None:
        """Besides what the signal asked for, which is done: whatever keeps this from being seen now is left to the sweep."""
        from portcullis.operations.watching.roads import look_at_roads

        try:
            look_at_roads(self.services, deployment, cause)
        except Exception as error:
            self.logger.warning(f"the roads are left to the sweep: {type(error).__name__}: {error}")

    def _scope(self, deployment: str) -> Scope:
        if deployment not in self.scopes:
            if deployment == ACCOUNT:
                return scope_of_account("", "")
            kept = as_far_as_readable(self.services, deployment)
            registration = self.services.ledger.registration(deployment)
            self.scopes[deployment] = scope_of(registration, kept.access, kept.options.secrets)
        return self.scopes[deployment]

    def _gather(self, deployment: str) -> None:
        """In a burst (a full batch, and the last reading still found something) wait for more to come: one write for many changes.

        A single change never waits, and neither does what is left in the queue once the readings find nothing new.
        """
        if self.sizes.get(deployment, 0) >= _FULL_BATCH and self.wrote.get(deployment):
            self.services.sleep(_GATHER_SECONDS)

    def _is_covered(self, message: Queued, signal: Signal) -> bool:
        """Whether a finished reconcile read the truth after this event happened and settled. One that read it later than now had a
        clock that was ahead of ours: what it really covers nobody knows."""
        if signal.concern is not Concern.IDENTITY:
            return False
        until = self.services.ledger.watermark(message.deployment)
        happened = _time(signal.at) or message.sent_at
        settled = happened + timedelta(seconds=self.services.settings.settle_seconds)
        return until is not None and until <= self.services.now() and message.sent_at < until and settled <= until

    def _bury_unread(self, message: Queued, error: MalformedEvent) -> None:
        self._bury(message, str(error), f"an event could not be read: {error}", "later events went on")

    def _bury(self, message: Queued, why: str, happened: str, others: str) -> None:
        """Once it lies there it is done with, told or not: it would come again and be buried again, and what comes behind it would wait.
        The sweep tells what lies with the dead letters."""
        self.services.dead_letters.bury(self.queue, message.body, message.deployment, why)
        alert = _dead_letter(message, happened, f"it was put with the dead letters, whole; {others}")
        try:
            self.services.alerts.tell(alert)
        except Exception as untold:
            self.logger.warning(f"buried, and left to the sweep to tell: {line(f'{type(untold).__name__}: {untold}')}")

    def _last_try(self, message: Queued, error: Exception) -> None:
        log.exception("the last try failed")
        self.services.alerts.tell(
            _dead_letter(
                message,
                f"an event could not be handled in {message.receives} tries: {error}",
                "the queue puts it with the dead letters now; the sweep goes on reading the truth",
            )
        )


def for_queue(queue: str, batch: Mapping[str, Any], *, logger: Any, metrics: Any) -> Reactions:
    """Reactions for a batch, as Lambda hands it over, of one of our two queues of events ("identity" or "key"), or of reminders."""
    sizes = Counter(one["attributes"]["MessageGroupId"] for one in batch["Records"] if not is_reminder(one))
    return Reactions(from_environment(), queue, logger, metrics, sizes=sizes, wrote=_WROTE)


def _dead_letter(message: Queued, happened: str, done: str) -> Alert:
    return alert_table.DEAD_LETTER.of(message.deployment, happened, done=done)


def _event(message: Queued) -> Any:
    try:
        return json.loads(message.body)
    except (ValueError, RecursionError) as error:
        problem = f"the message is not JSON that can be read: {line(error, 200)}"
        raise MalformedEvent(problem, source="queue", remedy="see the dead letter") from None


def _read(event: Any, message: Queued, scope: Scope) -> Signal:
    """What the event means. MalformedEvent for one that no later try can read either: of another shape, deeper than can be followed,
    or from a time that is none."""
    try:
        signal = signals.read(event, [scope])[0]
        happened = _time(signal.at)
        late = happened is not None and happened - message.sent_at > _AHEAD
    except MalformedEvent:
        raise
    except Exception as error:  # reading asks nothing of anybody: it will end the same another time
        problem = f"the event cannot be read: {line(f'{type(error).__name__}: {error}', 200)}"
        raise MalformedEvent(problem, source="queue", remedy="see the dead letter") from None
    if late:
        raise MalformedEvent(
            f"it happened at {signal.at}, long after it was sent",
            source="queue",
            place="eventTime",
            remedy="a time that was",
        )
    return signal


def _looked_at(signal: Signal) -> str:
    """What a reaction to this signal reads. What is said of a key is itself a finding, so each kind of signal is heard."""
    return Concern.IDENTITY.value if signal.concern is Concern.IDENTITY else str(signal.name)


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
