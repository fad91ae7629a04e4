"""Short-video back end: IDs, transcoding, uploads, feeds and counts by libreels.

What each call promises stands in the headers of libreels; names are the same.
"""

from ._constants import *  # noqa: F401,F403
from ._handle import ClosedError
from ._library import has_feature, version
from ._parts import Page
from ._records import *  # noqa: F401,F403
from ._statuses import *  # noqa: F401,F403
from .context import Cancel, Context
from .errors import ReelsError
from .feed import FeedPage
from .hls import render_playlist
from .ids import IdGenerator, id_from_text, id_parts, id_range, id_to_text
from .media import Transcoded, probe, probe_json, transcode
from .platform import Health, Platform, Running
from .social import media_prefix
from .verify import Report, code_name, verify

__version__ = version()
