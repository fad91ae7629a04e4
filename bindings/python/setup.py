"""Builds the package against the libreels that pkg-config finds; its version is the library's."""

import os
import sys

from setuptools import setup

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reels_build  # noqa: E402

setup(version=reels_build.library_version(), cffi_modules=['reels_build.py:ffi_builder'])
