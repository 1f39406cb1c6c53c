"""Hostile files, third part: HDF5 that links away, lies about its size, or holds what no weight is."""

from __future__ import annotations

import io
from collections.abc import Callable

import h5py
import numpy as np

from tests.attacks.sound_keras import FEATURES, UNITS, archive, data_changed, hdf5

KERNEL = "layers/simple_rnn/cell/vars/0"


def _replaced(make: Callable[[h5py.File], object]) -> bytes:
    """Return an archive in which something else stands in the place of the kernel."""

    def change(file: h5py.File) -> None:
        del file[KERNEL]
        make(file)

    return data_changed(change)


def _with_values(values: np.ndarray) -> bytes:
    return _replaced(lambda file: file.create_dataset(KERNEL, data=values))


def _plain(value: float) -> np.ndarray:
    values = np.ones((FEATURES, UNITS), "float32")
    values[2, 1] = value
    return values


def _external_storage(file: h5py.File) -> None:
    file.create_dataset(KERNEL, (FEATURES, UNITS), "f4", external=[("/etc/passwd", 0, 80)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((FEATURES, UNITS), "f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", (FEATURES, UNITS))
    file.create_virtual_dataset(KERNEL, layout)


def _huge(file: h5py.File) -> None:
    file.create_dataset(KERNEL, (2**40, 2**20), "f4", chunks=(1, 2**20))


def _unstored(file: h5py.File) -> None:
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    space = h5py.h5s.create_simple((2**20, 2**12))
    group = file.require_group("layers/simple_rnn/cell/vars")
    h5py.h5d.create(group.id, b"0", h5py.h5t.IEEE_F32LE, space, settings)


def _bomb(file: h5py.File) -> None:
    file.create_dataset(
        KERNEL,
        (4096, 4096),
        "f4",
        chunks=(1024, 4096),
        compression="gzip",
        data=np.zeros((4096, 4096)),
    )


def _deep(file: h5py.File) -> None:
    group = file
    for _ in range(200):
        group = group.create_group("a")


def _cycle(file: h5py.File) -> None:
    file["layers/simple_rnn/cell/again"] = file["layers"]
    del file["layers/dense"]


def stores() -> dict[str, bytes]:
    """Return archives with hostile weights."""
    sound = hdf5()
    text = np.array(["a" * 9] * UNITS, dtype=object)
    pairs = np.zeros((FEATURES, UNITS), [("a", "f4"), ("b", "f4")])
    return {
        "hdf5-none": archive(data=b"not hdf5"),
        "hdf5-empty": archive(data=b""),
        "hdf5-mark-alone": archive(data=b"\x89HDF\r\n\x1a\n"),
        "hdf5-cut": archive(data=sound[: len(sound) // 2]),
        "hdf5-no-groups": archive(data=hdf5(lambda file: None)),
        "link-soft": _replaced(
            lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/layers/dense/vars/0"))
        ),
        "link-soft-unused": data_changed(
            lambda file: file.__setitem__("z", h5py.SoftLink("/nowhere"))
        ),
        "link-external": _replaced(
            lambda file: file.__setitem__(KERNEL, h5py.ExternalLink("/etc/passwd", "/x"))
        ),
        "link-external-group": data_changed(
            lambda file: file.__setitem__("other", h5py.ExternalLink("other.h5", "/"))
        ),
        "link-cycle": data_changed(_cycle),
        "storage-external": _replaced(_external_storage),
        "storage-virtual": _replaced(_virtual),
        "storage-huge": _replaced(_huge),
        "storage-none": _replaced(_unstored),
        "storage-bomb": _replaced(_bomb),
        "type-text": _replaced(
            lambda file: file.create_dataset(KERNEL, data=text, dtype=h5py.string_dtype())
        ),
        "type-compound": _with_values(pairs),
        "type-complex": _with_values(np.zeros((FEATURES, UNITS), "complex64")),
        "type-opaque": _with_values(np.zeros((FEATURES, UNITS), "V4")),
        "type-reference": _replaced(
            lambda file: file.create_dataset(KERNEL, (FEATURES, UNITS), dtype=h5py.ref_dtype)
        ),
        "type-ragged": _replaced(
            lambda file: file.create_dataset(
                KERNEL, (FEATURES,), dtype=h5py.vlen_dtype(np.dtype("f4"))
            )
        ),
        "shape-scalar": _with_values(np.float32(3.0)),  # type: ignore[arg-type]
        "shape-turned": _with_values(np.ones((UNITS, FEATURES), "float32")),
        "shape-empty": _with_values(np.ones((0, UNITS), "float32")),
        "shape-none": _replaced(lambda file: file.create_dataset(KERNEL, data=h5py.Empty("f4"))),
        "group-for-kernel": _replaced(lambda file: file.create_group(KERNEL)),
        "kernel-for-group": data_changed(
            lambda file: (
                file.__delitem__("layers/dense"),
                file.create_dataset("layers/dense", data=[1.0]),
            )
        ),
        "weight-missing": data_changed(lambda file: file.__delitem__(KERNEL)),
        "weight-too-many": data_changed(
            lambda file: file.create_dataset("layers/simple_rnn/cell/vars/3", data=[1.0])
        ),
        "groups-deep": data_changed(_deep),
        "value-nan": _with_values(_plain(np.nan)),
        "value-infinite": _with_values(_plain(-np.inf)),
    }


def legacy() -> dict[str, bytes]:
    """Return legacy ``.h5`` files with hostile attributes."""

    def file_with(**attributes: object) -> bytes:
        raw = io.BytesIO()
        with h5py.File(raw, "w") as file:
            for name, value in attributes.items():
                file.attrs[name] = value
        return raw.getvalue()

    names = {"layer_names": np.array([b"../../etc"]), "keras_version": "2.15.0"}
    return {
        "legacy-no-config": file_with(keras_version="2.15.0"),
        "legacy-config-number": file_with(model_config=7),
        "legacy-config-list": file_with(model_config=np.zeros(5)),
        "legacy-config-text": file_with(model_config="no json"),
        "legacy-config-custom": file_with(
            model_config='{"class_name": "Custom>Model", "config": {"name": "m"}}'
        ),
        "legacy-names-odd": file_with(
            model_config='{"class_name": "Model", "config": {}}', **names
        ),
    }
