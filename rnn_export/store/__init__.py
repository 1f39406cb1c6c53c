"""Where artifacts live: folders that are always whole, with a manifest that tells when a byte has changed."""

from rnn_export.store.checking import Checked, CheckedFile, check_folder
from rnn_export.store.folder import Staging, artifact_name, stage
from rnn_export.store.manifest import MANIFEST, Entry, Manifest, read_manifest
from rnn_export.store.vectors import read_tensor, write_vectors
from rnn_export.store.writing import write_bytes

__all__ = [
    "MANIFEST",
    "Checked",
    "CheckedFile",
    "Entry",
    "Manifest",
    "Staging",
    "artifact_name",
    "check_folder",
    "read_manifest",
    "read_tensor",
    "stage",
    "write_bytes",
    "write_vectors",
]
