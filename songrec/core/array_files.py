"""Arrays in ``.npy`` files: memory-mapped where the file system has maps, written in parts."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

_NO_MAPS = frozenset(
    {errno.ENODEV, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}
)


def map_array(path: Path) -> NDArray[Any]:
    """Memory-map a ``.npy`` file to be read; read it where the file system has no maps."""
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        if error.errno not in _NO_MAPS:
            raise
        return np.asarray(np.load(path, allow_pickle=False))


def map_view(path: Path) -> NDArray[Any]:
    """Return a plain view of ``map_array``: a map's own bookkeeping costs at every slice."""
    return np.asarray(map_array(path))


def map_raw(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Memory-map a file of values without a header, or read it, as ``map_array`` does."""
    try:
        return np.asarray(np.memmap(path, dtype, "r", shape=shape))
    except OSError as error:
        if error.errno not in _NO_MAPS:
            raise
        return np.fromfile(path, dtype).reshape(shape)


def write_header(file: BinaryIO, dtype: DTypeLike, shape: tuple[int, ...]) -> None:
    """Begin a ``.npy`` file; the values follow, row by row."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, header)
