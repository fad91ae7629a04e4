"""Generated from bindings/reels_cdef.h by bindings/generate; not to be edited."""

from enum import IntEnum, IntFlag
from typing import Final


class Number(IntEnum):
    """An enumeration that keeps numbers which a newer library may give."""

    @classmethod
    def _missing_(cls, value: object) -> "Number | None":
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f'UNKNOWN_{value}'
        member._value_ = value
        return member


class Status(Number):
    OK = 0
    END = 1
    INVALID_ARG = -1
    NO_MEMORY = -2
    NOT_FOUND = -3
    EXISTS = -4
    BUFFER_TOO_SMALL = -5
    UNSUPPORTED = -6
    LIMIT = -7
    CORRUPT = -8
    IO = -9
    TIMEOUT = -10
    CANCELLED = -11
    BUSY = -12
    CONFLICT = -13
    STATE = -14
    HOST = -15
    INTERNAL = -16
    STALE = -17
    DENIED = -18
    ENCRYPTED = -19


class ErrorFlags(IntFlag):
    RETRIABLE = 1
    FATAL = 2


class LogLevel(Number):
    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4


class EventType(Number):
    REEL_UPLOADED = 1
    REEL_READY = 2
    REEL_FAILED = 3
    REEL_CHANGED = 4
    REEL_DELETED = 5
    LIKE = 16
    UNLIKE = 17
    SAVE = 18
    UNSAVE = 19
    FOLLOW = 20
    UNFOLLOW = 21
    MUTE = 22
    UNMUTE = 23
    BLOCK = 24
    UNBLOCK = 25
    COMMENT = 26
    COMMENT_REMOVED = 27
    IMPRESSION = 48
    WATCH = 49
    VIEW = 50
    COMPLETE = 51
    REPLAY = 52
    SKIP = 53
    SHARE = 54
    REPORT = 55
    NOT_INTERESTED = 56


class Counter(Number):
    VIEWS = 1
    COMPLETIONS = 2
    IMPRESSIONS = 3
    REPLAYS = 4
    SKIPS = 5
    WATCH_MS = 6
    LIKES = 7
    SAVES = 8
    COMMENTS = 9
    SHARES = 10
    REPORTS = 11
    FOLLOWERS = 12


class ReelState(Number):
    NONE = 0
    INIT = 1
    UPLOADED = 2
    PROCESSING = 3
    READY = 4
    FAILED = 5
    HELD = 6
    BLOCKED = 7
    DELETED = 8


class Visibility(Number):
    PUBLIC = 0
    PRIVATE = 1


class ReelOrder(Number):
    CREATOR = 1
    STATE = 2


class Relation(Number):
    LIKE = 1
    SAVE = 2
    FOLLOW = 3
    MUTE = 4
    BLOCK = 5


class FeedSources(IntFlag):
    FOLLOWED = 1
    TRENDING = 2
    FRESH = 4


class Severity(Number):
    ERROR = 1
    WARNING = 2


class VerifyCode(Number):
    FILE_MISSING = 1
    PATH_OUTSIDE = 2
    PLAYLIST_SYNTAX = 3
    TAG_REPEATED = 4
    TAG_MISSING = 5
    VERSION = 6
    TARGET_DURATION = 7
    ENDLIST = 8
    GROUP = 9
    BYTERANGE = 10
    BANDWIDTH = 11
    AVERAGE_BANDWIDTH = 12
    EXTINF = 13
    KEY_FRAME = 14
    DECODE_TIME = 15
    ALIGNMENT = 16
    BOX = 17
    CMAF = 18
    RESOLUTION = 19
    CODECS = 20
    FRAME_RATE = 21
    DECODE = 22
    CHECKSUM = 23
    LIMIT = 24
    UNCHECKED = 25
    READ = 26


class Isolation(Number):
    PROCESS = 0
    NONE = 1


class Verdict(Number):
    TRANSCODE = 1
    REFUSE = 2
    PASSTHROUGH = 3


class HdrKind(Number):
    NONE = 0
    PQ = 1
    HLG = 2
    DOLBY_VISION = 3


class TranscodeStage(Number):
    PROBE = 1
    ENCODE = 2
    FINISH = 3
    DONE = 4


class Roles(IntFlag):
    RELAY = 1
    MEDIA = 2
    COUNTER = 4
    FEED = 8
    MAINTENANCE = 16
    ALL = 31


ID_TIME_BITS: Final = 41
ID_REGION_BITS: Final = 5
ID_NODE_BITS: Final = 10
ID_SEQUENCE_BITS: Final = 12
ID_TEXT_LEN: Final = 13
ID_BATCH_MAX: Final = 1048576
ID_LAYOUT_EPOCH_1970: Final = 1
ID_NODE_LEASED: Final = 1
CAPTION_BYTES_MAX: Final = 2200
FILENAME_BYTES_MAX: Final = 255
COMMENT_BYTES_MAX: Final = 2000
FEED_PAGE_ITEMS: Final = 20
FEED_SESSION_ITEMS_MAX: Final = 100
UPLOAD_PART_BYTES: Final = 8388608
UPLOAD_PARTS_MAX: Final = 10000
UPLOAD_STREAM_WINDOW_BYTES: Final = 8388608

__all__ = [
    'Status',
    'ErrorFlags',
    'LogLevel',
    'EventType',
    'Counter',
    'ReelState',
    'Visibility',
    'ReelOrder',
    'Relation',
    'FeedSources',
    'Severity',
    'VerifyCode',
    'Isolation',
    'Verdict',
    'HdrKind',
    'TranscodeStage',
    'Roles',
    'ID_TIME_BITS',
    'ID_REGION_BITS',
    'ID_NODE_BITS',
    'ID_SEQUENCE_BITS',
    'ID_TEXT_LEN',
    'ID_BATCH_MAX',
    'ID_LAYOUT_EPOCH_1970',
    'ID_NODE_LEASED',
    'CAPTION_BYTES_MAX',
    'FILENAME_BYTES_MAX',
    'COMMENT_BYTES_MAX',
    'FEED_PAGE_ITEMS',
    'FEED_SESSION_ITEMS_MAX',
    'UPLOAD_PART_BYTES',
    'UPLOAD_PARTS_MAX',
    'UPLOAD_STREAM_WINDOW_BYTES',
]
