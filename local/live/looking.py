"""What the live page shows, with a short memory: however many tabs ask, and however often, one look of a kind is under way at a time.

The history is looked at most often, as it is short and tells that something changed; what costs more is looked at again when the history
has something new, or after a while, for what no history tells. Whoever asks gets what there is: a look that takes longer goes on by
itself, and its answer is there when they ask again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from portcullis.entry.page.gathering import ASKED, no_picture, of_deployment
from portcullis.errors import PortcullisError, Unreachable
from portcullis.words import line

Ask = Callable[[str, str | None, Mapping[str, Any]], Any]
SOON_S, SELDOM_S = 2.0, 15.0  # how old what is shown may be: the history; the rest, where the history stands still
PATIENCE_S = 8.0  # that whoever asks is kept waiting for what was never seen; what takes longer is said to be late
_OF_ENGINE = ("report", "findings", "drift")  # they read the engine, one after another: it has other work, too
_UNFORESEEN = "it broke off; the log of `make up` says how"


class Gone(PortcullisError):
    """There is no such deployment, or no longer."""


@dataclass(frozen=True)
class Seen:
    """The last answer. `began`: when its look began, by the clock; `error`: why it has no value, else empty."""

    began: float
    value: Any
    error: str


class Look:
    """One question and its last answer."""

    def __init__(self, ask: Callable[[], Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._changed = threading.Condition()
        self._busy: float | None = None  # since when
        self._seen: Seen | None = None

    def busy_for(self) -> float | None:
        """Seconds since the look began that is under way."""
        with self._changed:
            return None if self._busy is None else self._clock() - self._busy

    def seen(self, since: float, patience: float) -> Seen | None:
        """The last answer, of a look that began at `since` or later if one ends within `patience` seconds; else an older one."""
        until = self._clock() + patience
        with self._changed:
            while self._seen is None or self._seen.began < since:
                if self._busy is None:
                    self._busy = self._clock()
                    threading.Thread(target=self._look, args=(self._busy,), daemon=True).start()
                left = until - self._clock()
                if left <= 0 or not self._changed.wait(left):
                    break
            return self._seen

    def _look(self, began: float) -> None:
        try:
            seen = Seen(began, self._ask(), "")
        except PortcullisError as error:
            seen = Seen(began, None, line(error))
        except Exception as error:  # whoever waits is told, and the next look is free to try
            print(f"the live page: {error!r}", flush=True)
            seen = Seen(began, None, _UNFORESEEN)
        with self._changed:
            self._seen, self._busy = seen, None
            self._changed.notify_all()


class Looks:
    """All that the pages ask, of every deployment of the account."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic, patience: float = PATIENCE_S) -> None:
        self._ask, self._clock, self.patience = ask, clock, patience
        self._all: dict[tuple[str, str], Look] = {}
        self._lock = threading.Lock()
        self._moved: dict[str, tuple[str, float]] = {}  # deployment -> its history as it was last, and since when
        self._pictures: dict[str, Any] = {}
        self._turns: dict[str, threading.Lock] = {}

    def names(self) -> list[str]:
        """The deployments of the account. Raises Unreachable where they cannot be read."""
        seen = self._look("list", "").seen(self._clock() - SELDOM_S, self.patience)
        if seen is None or seen.error:
            raise Unreachable(seen.error if seen else self._under_way("list", ""))
        return [str(one["deployment"]) for one in seen.value]

    def data(self, deployment: str) -> dict[str, Any]:
        """The page's data, as `of_deployment` puts it together. Raises Gone where there is no such deployment."""
        self._refuse_gone(deployment)
        until = self._clock() + self.patience
        history = self._look("history", deployment).seen(self._clock() - SOON_S, self.patience)
        since = max(self._clock() - SELDOM_S, self._last_moved(deployment, history))
        answers = {verb: self._of_late(verb, deployment, since, until) for verb in ASKED if verb != "history"}
        answers["history"] = history
        unread = {
            verb: seen.error if seen else self._under_way(verb, deployment)
            for verb, seen in answers.items()
            if seen is None or seen.error
        }

        def answer(verb: str) -> Any:
            seen = answers[verb]
            return seen.value if seen else None

        found = of_deployment(answer, unread)
        found["late"] = [verb for verb, seen in answers.items() if seen and self._is_late(verb, deployment)]
        # The last picture stays: it says of when it is, and `unread` why there is none of now.
        found["picture"] = found["picture"] or self._pictures.get(deployment) or no_picture(deployment)
        if found["picture"]["at"]:
            self._pictures[deployment] = found["picture"]
        return found

    def _refuse_gone(self, deployment: str) -> None:
        try:
            names = self.names()
        except PortcullisError:
            if (deployment, "history") in self._all:  # known before: the page itself says what cannot be read
                return
            raise
        if deployment not in names:
            there = ", ".join(names) or "none"
            raise Gone(f"There is no deployment of this name, or it was removed (there are: {there}).")

    def _last_moved(self, deployment: str, history: Seen | None) -> float:
        """When the history was last seen to have changed."""
        if history is None or history.error:
            return self._moved.get(deployment, ("", 0.0))[1]
        now = json.dumps(history.value, sort_keys=True)
        with self._lock:
            before, at = self._moved.get(deployment, ("", 0.0))
            if now != before:
                at = self._clock()
                self._moved[deployment] = (now, at)
            return at

    def _of_late(self, verb: str, deployment: str, since: float, until: float) -> Seen | None:
        """What was seen last, at once, with a newer look begun if need be: nobody waits for the map to see the timeline move."""
        look = self._look(verb, deployment)
        return look.seen(since, 0.0) or look.seen(since, max(0.0, until - self._clock()))

    def _is_late(self, verb: str, deployment: str) -> bool:
        busy = self._look(verb, deployment).busy_for()
        return busy is not None and busy >= self.patience

    def _look(self, verb: str, deployment: str) -> Look:
        with self._lock:
            key = (deployment, verb)
            if key not in self._all:
                turn = self._turns.setdefault(deployment, threading.Lock()) if verb in _OF_ENGINE else nullcontext()
                self._all[key] = Look(lambda: self._asked(verb, deployment, turn), self._clock)
            return self._all[key]

    def _asked(self, verb: str, deployment: str, turn: AbstractContextManager[Any]) -> Any:
        with turn:
            return self._ask(verb, deployment or None, ASKED.get(verb, {}))

    def _under_way(self, verb: str, deployment: str) -> str:
        busy = self._look(verb, deployment).busy_for()
        return f"no answer yet after {busy or 0:.0f} s; it comes here by itself"
