"""Owns the whole: one configuration opens every part, and the long-running roles are stepped or run."""

import json
import threading
from array import array as array_of
from typing import Any, Iterable, NamedTuple

from ._constants import Counter, Roles, Status
from ._convert import array, fill, struct_of
from ._handle import Handle, Owned
from ._library import ffi, lib, text, utf8
from ._records import Event, PlatformConfig, Reel
from .blobs import Blobs
from .context import Buffer, Cancel, Context, calling
from .errors import ReelsError, error_from, invoke, new_error
from .feed import Feed
from .ids import _Minting
from .social import Reels, Social
from .uploads import Uploads


class PlatformIds(_Minting):
    """The generator of a platform."""

    def __init__(self, platform: Handle, context: Handle):
        self._handle = platform
        self._context = context

    def _generator(self, pointer):
        return lib.reels_platform_ids(pointer)


class Health(NamedTuple):
    """error is what the first unfit port said, or None; ports has an entry for each."""

    error: ReelsError | None
    ports: dict


class Platform(Owned):
    """Everything wired, on embedded defaults below data_path. May be used by any number of threads
    at once, but each role by one at a time."""

    def __init__(self, context: Context, config: PlatformConfig | str | dict):
        """config: a PlatformConfig, or JSON (text, or a dict to be made into it) with its members."""
        out = ffi.new('reels_platform **')
        keep: list = []
        with context._handle as ctx:
            if isinstance(config, PlatformConfig):
                invoke(lib.reels_platform_open, ctx, struct_of(config, keep), out)
            else:
                data = (config if isinstance(config, str) else json.dumps(config)).encode('utf-8')
                invoke(lib.reels_platform_open_json, ctx, data, len(data), out)
        self._context = context
        self._own(Handle(out[0], lib.reels_platform_free, (context._handle,)))
        shared = (self._handle, context._handle)
        self.ids = PlatformIds(*shared)
        self.uploads = Uploads(*shared, lib.reels_platform_uploads)
        self.reels = Reels(*shared, lib.reels_platform_reels)
        self.social = Social(*shared, lib.reels_platform_social)
        self.feed = Feed(*shared, lib.reels_platform_feed)
        self.blobs = Blobs(*shared, lib.reels_platform_blob)

    def events_add(self, person_id: int, events: Iterable[Event], *, timeout: float | None = None,
                   cancel: Cancel | None = None) -> list[Status]:
        """Takes what a viewer's client reports and says of each event whether it was admitted; those
        are durable on return."""
        events = list(events)
        records = ffi.new('reels_event[]', max(len(events), 1))
        statuses = ffi.new('reels_status[]', max(len(events), 1))
        keep: list = []
        for record, event in zip(records, events):
            fill(record, event, keep)
        with self._handle as platform, calling(self._context._handle, timeout, cancel) as call:
            invoke(lib.reels_platform_events_add, platform, call, person_id, records, len(events), statuses)
        return [Status(statuses[index]) for index in range(len(events))]

    def counts(self, entities: Any, counters: Any, out: Any = None, *, timeout: float | None = None,
               cancel: Cancel | None = None) -> Any:
        """Totals of reels or persons, row by row. With buffers of uint64 entities, uint32 counters
        and an int64 out nothing is copied; without out an array('q') is made."""
        ids, ids_count = array('uint64_t', entities)
        if isinstance(counters, (list, tuple, Counter)):
            counters = [int(counter) for counter in
                        (counters if isinstance(counters, (list, tuple)) else [counters])]
        kinds, kinds_count = array('uint32_t', counters)
        if out is None:
            out = array_of('q', bytes(8 * ids_count * kinds_count))
        room, capacity = array('int64_t', out, writable=True)
        if capacity < ids_count * kinds_count:
            raise ValueError(f'out has room for {capacity} of {ids_count * kinds_count} totals')
        with self._handle as platform, calling(self._context._handle, timeout, cancel) as call:
            invoke(lib.reels_counter_read, lib.reels_platform_stats(platform), call, ids, ids_count, kinds,
                   kinds_count, room)
        return out

    def media_token(self, reel: Reel, viewer_id: int = 0) -> str:
        """The token that lets a client read the files of a reel, to be put into their URLs."""
        keep: list = []
        out = ffi.new('char[]', 256)
        with self._handle as platform:
            invoke(lib.reels_platform_media_token, platform, struct_of(reel, keep), viewer_id, out, len(out))
        return text(out)

    def media_check(self, token: str, key: str) -> None:
        """Raises DeniedError unless the token is good for a blob key."""
        with self._handle as platform:
            invoke(lib.reels_platform_media_check, platform, utf8(token), utf8(key))

    def reel_remove(self, reel_id: int, person_id: int, *, timeout: float | None = None,
                    cancel: Cancel | None = None) -> None:
        with self._handle as platform, calling(self._context._handle, timeout, cancel) as call:
            invoke(lib.reels_platform_reel_remove, platform, call, reel_id, person_id)

    def step(self, role: Roles, budget_us: int) -> int:
        """Steps one role and says when it wants to be stepped again, on Context.now_mono_us()."""
        due = ffi.new('int64_t *')
        with self._handle as platform:
            invoke(lib.reels_platform_step, platform, int(role), budget_us, due)
        return due[0]

    def settle(self, roles: Roles = Roles.ALL, *, timeout: float | None = None,
               cancel: Cancel | None = None) -> None:
        """Steps roles until none of them has anything to do: what tests and small tools want."""
        with self._handle as platform, calling(self._context._handle, timeout, cancel) as call:
            invoke(lib.reels_platform_settle, platform, call, int(roles))

    def run(self, cancel: Cancel | None, roles: Roles = Roles.ALL, *, threads_count: int = 1,
            timeout: float | None = None) -> None:
        """Runs roles until it is cancelled or the time is over. It does not see Ctrl-C meanwhile:
        start() does the same in a thread."""
        with self._handle as platform, calling(self._context._handle, timeout, cancel) as call:
            invoke(lib.reels_platform_run, platform, call, int(roles), threads_count)

    def start(self, roles: Roles = Roles.ALL, *, threads_count: int = 1) -> 'Running':
        """Runs roles in a thread of their own until the result is stopped."""
        return Running(self, roles, threads_count)

    def health(self, *, timeout: float | None = None, cancel: Cancel | None = None) -> Health:
        """Tells whether the platform is fit to serve."""
        err = new_error()
        with Buffer(self._context._handle) as report, self._handle as platform, \
                calling(self._context._handle, timeout, cancel) as call:
            status = lib.reels_platform_health(platform, call, report.pointer, err)
            error = error_from(status, err) if status < 0 else None
            if error is not None and not report.content():
                raise error
            return Health(error, json.loads(report.text()))


class Running:
    """Roles at work: `with platform.start(): ...`, or stop()."""

    def __init__(self, platform: Platform, roles: Roles, threads_count: int):
        self._cancel = Cancel(platform._context)
        self._exception: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(platform, roles, threads_count),
                                        name='reels-roles', daemon=True)
        self._thread.start()

    def _run(self, platform: Platform, roles: Roles, threads_count: int) -> None:
        try:
            platform.run(self._cancel, roles, threads_count=threads_count)
        except BaseException as exception:  # raised again by stop()
            self._exception = exception

    def stop(self) -> None:
        """Ends the roles, waits for them, and raises what made them end before, if anything did."""
        if self._cancel.closed:
            return
        self._cancel.cancel()
        self._thread.join()
        self._cancel.close()
        if self._exception is not None:
            raise self._exception

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
