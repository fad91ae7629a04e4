"""Generated from bindings/reels_cdef.h by bindings/generate; not to be edited."""

from dataclasses import dataclass
from typing import ClassVar

from ._constants import (
    EventType,
    FeedSources,
    HdrKind,
    ReelState,
    Severity,
    Status,
    TranscodeStage,
    Verdict,
    VerifyCode,
    Visibility,
)


@dataclass(frozen=True)
class IdLayout:
    """Members and their units are those of reels_id_layout in the headers."""

    C_TYPE: ClassVar[str] = 'reels_id_layout'
    flags: int = 0
    time_bits: int = 0
    region_bits: int = 0
    node_bits: int = 0
    sequence_bits: int = 0
    epoch_unix_us: int = 0


@dataclass(frozen=True)
class IdParts:
    """Members and their units are those of reels_id_parts in the headers."""

    C_TYPE: ClassVar[str] = 'reels_id_parts'
    region: int = 0
    node: int = 0
    sequence: int = 0
    time_unix_us: int = 0


@dataclass(frozen=True)
class MediaLimits:
    """Members and their units are those of reels_media_limits in the headers."""

    C_TYPE: ClassVar[str] = 'reels_media_limits'
    streams_max: int = 0
    duration_max_us: int = 0
    file_bytes_max: int = 0
    probe_bytes_max: int = 0
    analyse_max_us: int = 0
    pixels_max: int = 0
    side_max: int = 0
    aspect_max: int = 0
    frame_rate_max: int = 0
    frames_max: int = 0
    sample_rate_min: int = 0
    sample_rate_max: int = 0
    channels_max: int = 0
    decode_cost_max: int = 0
    metadata_bytes_max: int = 0
    output_bytes_max: int = 0
    memory_bytes_max: int = 0


@dataclass(frozen=True)
class LadderOptions:
    """Members and their units are those of reels_ladder_options in the headers."""

    C_TYPE: ClassVar[str] = 'reels_ladder_options'
    short_side_max: int = 0
    frame_rate_max: int = 0
    rungs_max: int = 0


@dataclass(frozen=True)
class ProbeInfo:
    """Members and their units are those of reels_probe_info in the headers."""

    C_TYPE: ClassVar[str] = 'reels_probe_info'
    verdict: Verdict = Verdict(0)
    verdict_status: Status = Status(0)
    streams_count: int = 0
    verdict_reason: str = ''
    container: str = ''
    file_bytes: int = 0
    duration_us: int = 0
    bitrate_bps: int = 0
    video_present: bool = False
    video_stream_index: int = 0
    video_codec: str = ''
    pixel_format: str = ''
    color_range: str = ''
    color_matrix: str = ''
    color_primaries: str = ''
    color_transfer: str = ''
    hdr_kind: HdrKind = HdrKind(0)
    bit_depth: int = 0
    coded_width: int = 0
    coded_height: int = 0
    display_width: int = 0
    display_height: int = 0
    rotation_degrees: int = 0
    mirrored: bool = False
    sample_aspect_num: int = 0
    sample_aspect_den: int = 0
    frame_rate_num: int = 0
    frame_rate_den: int = 0
    variable_rate: bool = False
    interlaced: bool = False
    video_frames_count: int = 0
    audio_present: bool = False
    audio_stream_index: int = 0
    audio_codec: str = ''
    audio_sample_rate: int = 0
    audio_channels: int = 0
    audio_offset_us: int = 0


@dataclass(frozen=True)
class Rung:
    """Members and their units are those of reels_rung in the headers."""

    C_TYPE: ClassVar[str] = 'reels_rung'
    short_side: int = 0
    width: int = 0
    height: int = 0
    frame_rate_num: int = 0
    frame_rate_den: int = 0
    video_bitrate_bps: int = 0
    video_bitrate_max_bps: int = 0
    buffer_bits: int = 0
    name: str = ''


@dataclass(frozen=True)
class TranscodeProgress:
    """Members and their units are those of reels_transcode_progress in the headers."""

    C_TYPE: ClassVar[str] = 'reels_transcode_progress'
    stage: TranscodeStage = TranscodeStage(0)
    done_ppm: int = 0
    frames_count: int = 0
    frames_total: int = 0
    media_us: int = 0
    duration_us: int = 0


@dataclass(frozen=True)
class TranscodeSummary:
    """Members and their units are those of reels_transcode_summary in the headers."""

    C_TYPE: ClassVar[str] = 'reels_transcode_summary'
    rungs_count: int = 0
    duration_us: int = 0
    output_bytes: int = 0
    frames_count: int = 0
    files_count: int = 0
    audio_present: bool = False
    cover_width: int = 0
    cover_height: int = 0
    cover_media_us: int = 0
    cpu_us: int = 0
    memory_peak_bytes: int = 0


@dataclass(frozen=True)
class VerifyFinding:
    """Members and their units are those of reels_verify_finding in the headers."""

    C_TYPE: ClassVar[str] = 'reels_verify_finding'
    code: VerifyCode = VerifyCode(0)
    severity: Severity = Severity(0)
    segment: int = 0
    file: str = ''
    message: str = ''


@dataclass(frozen=True)
class VerifySummary:
    """Members and their units are those of reels_verify_summary in the headers."""

    C_TYPE: ClassVar[str] = 'reels_verify_summary'
    errors_count: int = 0
    warnings_count: int = 0
    variants_count: int = 0
    playlists_count: int = 0
    segments_count: int = 0
    samples_count: int = 0
    frames_count: int = 0
    bytes: int = 0
    duration_us: int = 0


@dataclass(frozen=True)
class BlobInfo:
    """Members and their units are those of reels_blob_info in the headers."""

    C_TYPE: ClassVar[str] = 'reels_blob_info'
    size_bytes: int = 0
    modified_unix_us: int = 0
    etag: str = ''


@dataclass(frozen=True)
class Event:
    """Members and their units are those of reels_event in the headers."""

    C_TYPE: ClassVar[str] = 'reels_event'
    type: EventType = EventType(0)
    reel_id: int = 0
    person_id: int = 0
    creator_id: int = 0
    target_id: int = 0
    source: int = 0
    sequence: int = 0
    time_unix_us: int = 0
    client_time_unix_us: int = 0
    watch_us: int = 0
    position_us: int = 0
    duration_us: int = 0
    playback: int = 0
    generation: int = 0
    revision: int = 0
    region: str = ''
    reason: str = ''


@dataclass(frozen=True)
class Reel:
    """Members and their units are those of reels_reel in the headers."""

    C_TYPE: ClassVar[str] = 'reels_reel'
    state: ReelState = ReelState(0)
    id: int = 0
    creator_id: int = 0
    version: int = 0
    generation: int = 0
    revision: int = 0
    visibility: Visibility = Visibility(0)
    attempts_count: int = 0
    created_unix_us: int = 0
    ready_unix_us: int = 0
    duration_us: int = 0
    source_bytes: int = 0
    width: int = 0
    height: int = 0
    progress_permille: int = 0
    reason: str = ''
    detail: str = ''
    filename: str = ''
    caption: str = ''


@dataclass(frozen=True)
class Comment:
    """Members and their units are those of reels_comment in the headers."""

    C_TYPE: ClassVar[str] = 'reels_comment'
    id: int = 0
    reel_id: int = 0
    person_id: int = 0
    created_unix_us: int = 0
    text: str = ''


@dataclass(frozen=True)
class FeedRequest:
    """Members and their units are those of reels_feed_request in the headers."""

    C_TYPE: ClassVar[str] = 'reels_feed_request'
    items_max: int = 0
    viewer_id: int = 0
    cursor: str = ''
    region: str = ''


@dataclass(frozen=True)
class FeedItem:
    """Members and their units are those of reels_feed_item in the headers."""

    C_TYPE: ClassVar[str] = 'reels_feed_item'
    sources: FeedSources = FeedSources(0)
    reel_id: int = 0
    creator_id: int = 0
    score: float = 0.0
    position: int = 0


@dataclass(frozen=True)
class UploadRequest:
    """Members and their units are those of reels_upload_begin_request in the headers."""

    C_TYPE: ClassVar[str] = 'reels_upload_begin_request'
    visibility: Visibility = Visibility(0)
    person_id: int = 0
    length: int = 0
    filename: str = ''
    caption: str = ''
    token: bytes = b''


@dataclass(frozen=True)
class UploadInfo:
    """Members and their units are those of reels_upload_info in the headers."""

    C_TYPE: ClassVar[str] = 'reels_upload_info'
    parts_count: int = 0
    reel_id: int = 0
    person_id: int = 0
    length: int = 0
    offset: int = 0
    bytes_durable: int = 0
    created_unix_us: int = 0
    expires_unix_us: int = 0
    committed: bool = False


@dataclass(frozen=True)
class UploadOptions:
    """Members and their units are those of reels_upload_options in the headers."""

    C_TYPE: ClassVar[str] = 'reels_upload_options'
    per_person_max: int = 0
    bytes_max: int = 0
    expires_after_us: int = 0
    check_bytes_max: int = 0


@dataclass(frozen=True)
class FeedOptions:
    """Members and their units are those of reels_feed_options in the headers."""

    C_TYPE: ClassVar[str] = 'reels_feed_options'
    partitions_count: int = 0
    candidates_per_source: int = 0
    session_items_max: int = 0
    session_expires_us: int = 0
    trending_hours: int = 0
    index_reels_max: int = 0
    holder: str = ''


@dataclass(frozen=True)
class PlatformConfig:
    """Members and their units are those of reels_platform_config in the headers."""

    C_TYPE: ClassVar[str] = 'reels_platform_config'
    region: int = 0
    data_path: str = ''
    catalog_url: str = ''
    stats_url: str = ''
    blob_url: str = ''
    queue_url: str = ''
    cache_url: str = ''
    media_worker_path: str = ''
    partitions_count: int = 0
    media_jobs_max: int = 0
    media_threads_count: int = 0
    media_attempts_max: int = 0
    media_lease_us: int = 0
    media_duration_us_max: int = 0
    counter_window_us: int = 0
    token_valid_us: int = 0
    token_key: bytes = b''
    upload: UploadOptions = UploadOptions()
    feed: FeedOptions = FeedOptions()


__all__ = [
    'IdLayout',
    'IdParts',
    'MediaLimits',
    'LadderOptions',
    'ProbeInfo',
    'Rung',
    'TranscodeProgress',
    'TranscodeSummary',
    'VerifyFinding',
    'VerifySummary',
    'BlobInfo',
    'Event',
    'Reel',
    'Comment',
    'FeedRequest',
    'FeedItem',
    'UploadRequest',
    'UploadInfo',
    'UploadOptions',
    'FeedOptions',
    'PlatformConfig',
]
