"""HDF5 that leads elsewhere: to other files, in circles, or very far down."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.attacks.hostile.listing import hostile
from tests.attacks.hostile.making import KERNEL, replaced, with_weights


def _secret(folder: Path) -> str:
    """Another HDF5 file, with a kernel that would fit."""
    path = folder / "secret.h5"
    with h5py.File(path, "w") as file:
        file["kernel"] = np.ones((3, 4), np.float32)
    return str(path)


@hostile("a kernel in another HDF5 file", "a soft or external link")
def external_link(folder: Path) -> None:
    secret = _secret(folder)

    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file[KERNEL] = h5py.ExternalLink(secret, "kernel")

    with_weights(folder, change)


@hostile("a link to another HDF5 file where no weight is", "a soft or external link")
def external_link_beside(folder: Path) -> None:
    secret = _secret(folder)

    def change(file: h5py.File) -> None:
        file["notes"] = h5py.ExternalLink(secret, "/")

    with_weights(folder, change)


@hostile("a kernel by a soft link", "a soft or external link")
def soft_link(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        file.move(KERNEL, "elsewhere")
        file[KERNEL] = h5py.SoftLink("/elsewhere")

    with_weights(folder, change)


@hostile("two soft links that lead to each other", "a soft or external link")
def soft_link_circle(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")

    with_weights(folder, change)


@hostile("a kernel whose bytes are those of any file", "stored elsewhere")
def external_storage(folder: Path) -> None:
    (folder / "secret.bin").write_bytes(bytes(48))
    place = [(str(folder / "secret.bin"), 0, 48)]
    with_weights(
        folder, lambda file: replaced(file, KERNEL, shape=(3, 4), dtype="f4", external=place)
    )


@hostile("a kernel put together from other files", "stored elsewhere")
def virtual_dataset(folder: Path) -> None:
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource(_secret(folder), "kernel", (3, 4))

    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file.create_virtual_dataset(KERNEL, layout)

    with_weights(folder, change)


@hostile("200 groups in one another", "levels of groups")
def deep_groups(folder: Path) -> None:
    with_weights(folder, lambda file: file.create_group("/".join(["g"] * 200)))


@hostile("110,000 names for one group", "groups and datasets")
def many_links(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        group = file.create_group("many")
        for number in range(110_000):
            h5py.h5o.link(group.id, group.id, str(number).encode())

    with_weights(folder, change)


@hostile("the kernel's group is the group that holds it", "expected")
def group_circle(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["layers/simple_rnn/cell/vars"]
        file["layers/simple_rnn/cell/vars"] = file["layers/simple_rnn/cell"]

    with_weights(folder, change)
