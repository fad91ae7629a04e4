"""Owns probing and transcoding. Media is a path, bytes-like memory, or a seekable binary file."""

import json
import os
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator, NamedTuple

from ._callbacks import State
from ._constants import Isolation, Status
from ._convert import array, fill, record_from, struct_of
from ._handle import Handle
from ._library import ffi, has_feature, lib
from ._records import (LadderOptions, MediaLimits, ProbeInfo, Rung, TranscodeProgress,
                       TranscodeSummary)
from .context import Buffer, Cancel, Context, calling
from .errors import invoke

# How long a step may take: Ctrl-C and a callback's exception are seen between steps.
STEP_BUDGET_US = 100_000

Media = Any


def require_media() -> None:
    from ._statuses import UnsupportedError
    if not has_feature('media'):
        raise UnsupportedError('this libreels was built without media')


def _input(media: Media, state: State, keep: list):
    given = ffi.new('reels_media_input *', {'struct_size': ffi.sizeof('reels_media_input')})
    if isinstance(media, (str, os.PathLike)):
        path = ffi.new('char[]', os.fsencode(media))
        keep.append(path)
        given.path = path
    elif hasattr(media, 'seek') and (hasattr(media, 'readinto') or hasattr(media, 'read')):
        state.target = media
        given.size_bytes = media.seek(0, os.SEEK_END)
        given.read_at, given.user = lib.reels_python_media_read, state.handle
    else:
        data, length = array('uint8_t', media)
        keep.append(data)
        given.data, given.size_bytes = data, length
    return given


def _isolation(in_process: bool, worker_path: str | os.PathLike | None, keep: list):
    isolation = ffi.new('reels_media_isolation *', {
        'struct_size': ffi.sizeof('reels_media_isolation'),
        'mode': int(Isolation.NONE if in_process else Isolation.PROCESS)})
    if worker_path is not None:
        path = ffi.new('char[]', os.fsencode(worker_path))
        keep.append(path)
        isolation.worker_path = path
    keep.append(isolation)
    return isolation


def probe(context: Context, media: Media, *, exact: bool = False, limits: MediaLimits | None = None,
          in_process: bool = False, worker_path: str | os.PathLike | None = None,
          timeout: float | None = None, cancel: Cancel | None = None) -> ProbeInfo:
    """Tells what a file is and whether it can be made into a ladder: a file that cannot be used is
    described, with the reason; only what cannot be described raises."""
    require_media()
    keep: list = []
    state = State()
    options = ffi.new('reels_probe_options *', {
        'struct_size': ffi.sizeof('reels_probe_options'), 'exact': exact,
        'limits': struct_of(limits, keep), 'isolation': _isolation(in_process, worker_path, keep)})
    info = ffi.new('reels_probe_info *')
    fill(info[0], None, keep)
    given = _input(media, state, keep)
    with context._handle as ctx, calling(context._handle, timeout, cancel) as call:
        invoke(lib.reels_probe_run, ctx, call, given, options, info, state=state)
    return record_from(ProbeInfo, info)


def probe_json(context: Context, info: ProbeInfo) -> dict:
    """The object that `reels probe --json` prints."""
    require_media()
    keep: list = []
    with Buffer(context._handle) as buffer:
        invoke(lib.reels_probe_json, struct_of(info, keep), buffer.pointer)
        return json.loads(buffer.text())


class Transcoded(NamedTuple):
    """What a transcode made."""

    summary: TranscodeSummary
    rungs: list[Rung]
    info: ProbeInfo


@contextmanager
def _output_directory(context: Handle, path: str | os.PathLike, replace: bool) -> Iterator:
    """An output that removes what it has written when the block fails."""
    out = ffi.new('reels_output **')
    with context as ctx:
        invoke(lib.reels_output_directory_new, ctx, os.fsencode(path),
               lib.REELS_OUTPUT_REPLACE if replace else 0, out)
        try:
            yield out[0]
        except BaseException:
            lib.reels_output_discard(out[0], ffi.NULL)
            raise
        finally:
            lib.reels_output_free(out[0])


def _finished(job) -> Transcoded:
    keep: list = []
    summary, info = ffi.new('reels_transcode_summary *'), ffi.new('reels_probe_info *')
    fill(summary[0], None, keep)
    fill(info[0], None, keep)
    invoke(lib.reels_transcode_result, job, summary)
    invoke(lib.reels_transcode_info, job, info)
    rungs = []
    for index in range(summary.rungs_count):
        rung = ffi.new('reels_rung *')
        fill(rung[0], None, keep)
        invoke(lib.reels_transcode_rung, job, index, rung)
        rungs.append(record_from(Rung, rung))
    return Transcoded(record_from(TranscodeSummary, summary), rungs, record_from(ProbeInfo, info))


def _run(job, call, states: tuple[State, ...]) -> None:
    status: int = Status.OK
    while status != Status.END:
        status = invoke(lib.reels_transcode_step, job, call, STEP_BUDGET_US, state=states[0])
        for state in states:
            if state.exception is not None:
                raise state.exception


def transcode(context: Context, media: Media, directory: str | os.PathLike, *,
              progress: Callable[[TranscodeProgress], None] | None = None, replace: bool = False,
              threads_count: int = 0, preset: str = '', segment_us: int = 0,
              audio_bitrate_bps: int = 0, limits: MediaLimits | None = None,
              ladder: LadderOptions | None = None, in_process: bool = False,
              worker_path: str | os.PathLike | None = None, timeout: float | None = None,
              cancel: Cancel | None = None) -> Transcoded:
    """Makes an HLS ladder in a directory: master.m3u8, its playlists and media, cover.jpg. When it
    fails, is cancelled or interrupted, or progress raises, nothing of it is left. Numbers that are 0
    and texts that are empty mean the library's defaults."""
    require_media()
    keep: list = []
    reading = State()
    watching = State(lambda told: progress and progress(record_from(TranscodeProgress, told)))
    options = ffi.new('reels_transcode_options *', {
        'struct_size': ffi.sizeof('reels_transcode_options'), 'threads_count': threads_count,
        'audio_bitrate_bps': audio_bitrate_bps, 'segment_us': segment_us,
        'limits': struct_of(limits, keep), 'ladder': struct_of(ladder, keep),
        'isolation': _isolation(in_process, worker_path, keep)})
    if preset:
        keep.append(ffi.new('char[]', preset.encode('utf-8')))
        options.preset = keep[-1]
    if progress is not None:
        options.progress, options.progress_user = lib.reels_python_transcode_progress, watching.handle
    given = _input(media, reading, keep)
    with ExitStack() as stack:
        ctx = stack.enter_context(context._handle)
        output = stack.enter_context(_output_directory(context._handle, directory, replace))
        call = stack.enter_context(calling(context._handle, timeout, cancel))
        job = ffi.new('reels_transcode **')
        invoke(lib.reels_transcode_new, ctx, given, options, lib.reels_output_table(output), output, job)
        # Freed before the output discards: files that are still open are aborted first.
        stack.callback(lib.reels_transcode_free, job[0])
        _run(job[0], call, (reading, watching))
        return _finished(job[0])
