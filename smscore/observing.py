"""Observers: what happened in a call, its batches and its requests, for metrics, traces and logs.

An event says who, what, how often, how long and with what end. It never holds a number, a text or a token.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from contextvars import ContextVar
from inspect import iscoroutinefunction
from threading import Lock
from typing import Any, Final, TypeAlias, TypeVar

from attrs import define, field, frozen

from smscore.errors import ConfigurationError
from smscore.loops.logs import logger_for_callers
from smscore.outcomes import Outcome

__all__ = ["BatchEnded", "CallEnded", "CallStarted", "Observer", "RequestEnded", "observe"]

_log: Final = logger_for_callers(__name__)


@frozen(kw_only=True)
class CallStarted:
    """A call begins; its input has been checked."""

    provider: str
    """The provider's name."""
    call: str
    """The client's method: ``send``, ``send_stream``, ``credit``. A page of a listing is a call of its own."""
    call_id: int
    """A number that all events of one call share, unique in this process."""
    is_send: bool
    """Whether the call sends messages."""
    recipients: int
    """How many recipients the call has; 0 for a stream, and for a call that sends nothing."""
    began: float
    """When, in seconds since 1970."""


@frozen(kw_only=True)
class _Ended(CallStarted):
    tries: int
    duration: float
    """Seconds, waits included."""
    counts: Mapping[Outcome, int] = field(
        repr=lambda counts: repr({one.value: n for one, n in dict(counts).items() if n})
    )
    """How many recipients have each outcome; all are 0 where nothing is sent."""
    error: str | None
    """The name of the exception's class, ``RateLimited`` or ``CancelledError``; None if there was none."""
    code: int | str | None
    """The provider's own code of a refusal, unless it looks like a number or a token."""


@frozen(kw_only=True)
class RequestEnded(_Ended):
    """One try of a request has ended. ``tries`` counts from 1; ``counts`` are the batch's to tell, and 0 here."""

    http_status: int | None
    """The HTTP status of the answer; None if none came."""


@frozen(kw_only=True)
class BatchEnded(_Ended):
    """A batch has ended, or was not tried (``tries`` is 0)."""


@frozen(kw_only=True)
class CallEnded(_Ended):
    """A call has ended. ``error`` is what it raised: ``GeneratorExit`` if a stream was closed before its end.

    ``tries`` are the requests that it made. Of a cancelled call, ``counts`` has what was in flight as ``UNKNOWN`` and
    what had not begun as ``NOT_SENT``.
    """


class Observer:
    """What an observer may implement; any class with some of these methods will do.

    They are plain functions, called where the call is made: in the caller's event loop, which they must not block, or
    in the thread that waits for a blocking client. What they raise is logged once and goes no further, except
    ``KeyboardInterrupt`` and ``SystemExit``. An observer is told nothing of calls that it makes itself.
    """

    def start(self, event: CallStarted) -> None:
        """A call begins."""

    def request(self, event: RequestEnded) -> None:
        """A try of a request has ended."""

    def batch(self, event: BatchEnded) -> None:
        """A batch has ended."""

    def call(self, event: CallEnded) -> None:
        """A call has ended."""


Event: TypeAlias = CallStarted | RequestEnded | BatchEnded | CallEnded
_METHODS: Final = ("start", "request", "batch", "call")
_telling: Final[ContextVar[frozenset[int]]] = ContextVar("telling", default=frozenset())
"""The observers that are being told, by their ids; tasks that they start inherit it."""


@define(eq=False)
class Registered:
    """An observer with the methods that it has."""

    observer: object = field(repr=False)
    methods: Mapping[str, Callable[[Any], object]] = field(repr=False)
    _has_failed: bool = field(default=False, init=False)

    def tell(self, method: str, event: Event) -> None:
        """Call the observer's method, if it has it; log what it raises, the first time.

        Nothing is told of calls that the observer makes itself: one that sends an alarm for each failed call would
        send without end while sends fail.
        """
        told, telling = self.methods.get(method), _telling.get()
        if told is None or id(self.observer) in telling:
            return
        token = _telling.set(telling | {id(self.observer)})
        try:
            told(event)
        except (KeyboardInterrupt, SystemExit):
            raise
        # Also a CancelledError: one that a plain function raises is its own, and no cancel of the call.
        except BaseException as error:
            if not self._has_failed:
                self._has_failed = True
                name, kind = type(self.observer).__name__, type(error).__name__
                _log.error("Observer %s: %s raised %s; later exceptions are not logged", name, method, kind)
        finally:
            _telling.reset(token)


def registered(observer: object) -> Registered:
    """The observer, checked. Raises ``ConfigurationError``."""
    methods = {name: getattr(observer, name, None) for name in _METHODS}
    own = {name: method for name, method in methods.items() if method is not None and not _is_empty(observer, name)}
    if isinstance(observer, type) or not own:
        raise ConfigurationError(
            f"Invalid observer of type {type(observer).__name__}. Give an object with at least one of the methods "
            f"{', '.join(_METHODS)}."
        )
    for name, method in own.items():
        if not callable(method) or iscoroutinefunction(method):
            raise ConfigurationError(f"Invalid observer: {type(observer).__name__}.{name} must be a plain function.")
    return Registered(observer, own)


def observers_for(own: tuple[Registered, ...]) -> list[Registered]:
    """Who is to be told of a call that begins now: a client's own observers and those of all clients, each once."""
    return [*{id(one.observer): one for one in (*own, *everywhere.copy().values())}.values()]


def registered_all(observers: Iterable[object]) -> tuple[Registered, ...]:
    """The observers of a client, checked. Raises ``ConfigurationError``."""
    if not isinstance(observers, Iterable) or isinstance(observers, (str, bytes)):
        raise ConfigurationError("observers= must be an iterable of observers.")
    return tuple(map(registered, observers))


def _is_empty(observer: object, name: str) -> bool:
    return getattr(type(observer), name, None) is getattr(Observer, name)


everywhere: Final[dict[object, Registered]] = {}
"""The observers of all clients. Only single steps change it, so that threads and signal handlers may."""


def observe(observer: object) -> Callable[[], None]:
    """A function that ends it: until then the observer is told of the calls of every client in this process.

    ``observer`` is an object with any of the methods of :class:`smscore.observing.Observer`: ``start``, ``request``
    (once a try), ``batch``, ``call``. Calls that have begun are told to their end. Raises ``ConfigurationError`` for
    anything else. For the observers of one client, give it ``observers=``.
    """
    entry = registered(observer)
    everywhere[entry] = entry

    def end() -> None:
        everywhere.pop(entry, None)

    return end


T = TypeVar("T")


@define(eq=False)
class _Shared:
    """An observer, and how many observe with it."""

    observer: Any
    end: Callable[[], None]
    users: int = 0


_shared: Final[dict[Hashable, _Shared]] = {}
_sharing: Final = Lock()


def observe_once(key: Hashable, new: Callable[[], T], leave: Callable[[T], object] | None = None) -> Callable[[], None]:
    """As :func:`observe` with the observer that ``new`` makes; whoever observes with the same key meanwhile shares it.

    So what is counted is counted once. ``leave`` is called with the observer when the last one has ended it.
    """
    with _sharing:
        if key not in _shared:
            observer = new()
            _shared[key] = _Shared(observer, observe(observer))
        shared = _shared[key]
        shared.users += 1
    left = [shared]

    def end() -> None:
        with _sharing:
            for one in left:
                one.users -= 1
                if not one.users:
                    del _shared[key]
                    one.end()
                    if leave is not None:
                        leave(one.observer)
            left.clear()

    return end
