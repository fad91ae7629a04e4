"""Owns the compiled module and the check that the loaded library is one it was built for."""

from ._reels import ffi, lib


def _refuse_other_versions() -> None:
    built = lib.reels_python_built_version
    loaded = lib.reels_version()
    # Before 1.0 each minor version is an ABI of its own.
    abi = 1000 if built < 1000000 else 1000000
    if loaded // abi != built // abi or loaded < built:
        raise ImportError(f'reels was built for libreels {built // 1000000}.{built // 1000 % 1000}.'
                          f'{built % 1000}, but {text(lib.reels_version_text())} was loaded')


def text(pointer) -> str:
    """A NUL-terminated text of the library; the empty text for NULL."""
    return '' if pointer == ffi.NULL else ffi.string(pointer).decode('utf-8', 'replace')


def utf8(value: str) -> bytes:
    """A text for the library, which ends texts at the first NUL."""
    data = value.encode('utf-8')
    if 0 in data:
        raise ValueError('a text holds a NUL character')
    return data


def has_feature(name: str) -> bool:
    """Whether the library holds an optional part, such as 'media'."""
    return lib.reels_has_feature(utf8(name)) == 1


def version() -> str:
    """The version of the library that is loaded."""
    return text(lib.reels_version_text())


_refuse_other_versions()
