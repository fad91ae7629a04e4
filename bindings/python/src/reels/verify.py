"""Owns the check of an HLS tree against the rules that it must obey."""

import os
from typing import NamedTuple

from ._constants import VerifyCode
from ._convert import fill, record_from
from ._library import ffi, lib, text
from ._records import VerifyFinding, VerifySummary
from .context import Cancel, Context, calling
from .errors import invoke
from .media import require_media


class Report(NamedTuple):
    summary: VerifySummary
    findings: list[VerifyFinding]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; there may be warnings."""
        return self.summary.errors_count == 0


def code_name(code: VerifyCode) -> str:
    """The word for the code of a finding, such as 'file_missing'."""
    require_media()
    return text(lib.reels_verify_code_name(int(code)))


def _report(report) -> Report:
    keep: list = []
    summary = ffi.new('reels_verify_summary *')
    fill(summary[0], None, keep)
    invoke(lib.reels_verify_report_summary, report, summary)
    findings = []
    for index in range(lib.reels_verify_report_findings_count(report)):
        finding = ffi.new('reels_verify_finding *')
        fill(finding[0], None, keep)
        invoke(lib.reels_verify_report_finding, report, index, finding)
        findings.append(record_from(VerifyFinding, finding))
    return Report(record_from(VerifySummary, summary), findings)


def verify(context: Context, directory: str | os.PathLike, *, master: str = '', decode: bool = True,
           findings_max: int = 0, timeout: float | None = None,
           cancel: Cancel | None = None) -> Report:
    """Examines the tree below a directory and says what is wrong with it; raises only when it cannot
    be examined. Without decode the pictures and sound are not decoded, which takes nearly all of
    the time."""
    require_media()
    options = ffi.new('reels_verify_options *', {
        'struct_size': ffi.sizeof('reels_verify_options'), 'findings_max': findings_max,
        'flags': 0 if decode else lib.REELS_VERIFY_NO_DECODE})
    name = ffi.new('char[]', master.encode('utf-8'))
    if master:
        options.master = name
    out = ffi.new('reels_verify_report **')
    with context._handle as ctx, calling(context._handle, timeout, cancel) as call:
        options.call = call
        invoke(lib.reels_verify_directory, ctx, os.fsencode(directory), options, out)
    try:
        return _report(out[0])
    finally:
        lib.reels_verify_report_free(out[0])
