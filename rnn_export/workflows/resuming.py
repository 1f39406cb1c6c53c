"""Going on after an interruption: which artifacts an earlier run has finished."""

from __future__ import annotations

import json
from pathlib import Path

from rnn_export.errors import StoreError
from rnn_export.network import Network
from rnn_export.store import check_folder
from rnn_export.workflows.artifact import REQUIRED, Settings

REPORT = "report.json"
SIZE_LIMIT = 64 * 2**20
"""Bytes of a report; a longer one is none of ours."""


def is_finished(folder: Path, network: Network, settings: Settings) -> bool:
    """Tell whether a folder holds the artifact that these settings ask for, whole, and with a pass.

    Args:
        folder: where the artifact stands, if it does.
        network: what it must hold.
        settings: the forms that must be in it, and the runtimes that must have been run.
    """
    try:
        checked = check_folder(folder)
    except StoreError:
        return False
    names = {file.name for file in checked.files if file.state == "same"}
    wanted = {f"{form}.onnx" for form in settings.forms}
    if checked.damaged or checked.network != network.digest or not wanted <= names:
        return False
    return _passed(folder / REPORT, network, settings)


def _passed(path: Path, network: Network, settings: Settings) -> bool:
    """Tell whether the report is that of a pass of this network on every runtime that is asked for."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            return False
        report = json.loads(path.read_bytes())
        ran = {case["runtime"] for case in report["cases"]}
        passed = report["exit_code"] == 0 and report["network_digest"] == network.digest
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        # Gone, or another program's: the artifact is made again, which mends it.
        return False
    return passed and {*REQUIRED, *settings.runtimes} <= ran
