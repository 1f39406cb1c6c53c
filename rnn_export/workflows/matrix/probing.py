"""What a runtime takes beside the usual file: free sizes, other opsets, other ways to write a Scan body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnn_export.exporters.opsets import DEFAULT, HIGHEST, LOWEST
from rnn_export.runtimes import OnnxFile, Options
from rnn_export.verifier import Outcome
from rnn_export.workflows.matrix.files import Files
from rnn_export.workflows.matrix.result import Fit, Tried
from rnn_export.workflows.matrix.trying import Inputs, Trials
from rnn_export.workflows.subjects import NoSubject

OPSETS = (LOWEST, DEFAULT, 19, 21, 22, 24, HIGHEST)
"""Where operators that the files use got new versions, and the ends."""

SIZES = (Fit(), Fit(("batch",)), Fit(("batch", "time")))
"""From free to fixed."""

BODIES = {
    "Gemm(h, R, x)": (),
    "Add(MatMul(h, R), x)": ("Add(MatMul(h, R), x)",),
    "Add(x, MatMul(h, R))": ("Add(x, MatMul(h, R))",),
}

AS_IT_IS = {"pin": "no"}
"""To adapters that fix sizes by themselves: leave the file as it is."""


class Probe:
    """Asks one runtime about variants of the layer's file.

    Args:
        trials: of the runtime.
        files: of the sample with one plain layer.
        inputs: of its network.
    """

    def __init__(self, trials: Trials, files: Files, inputs: Inputs) -> None:
        self._trials = trials
        self._files = files
        self._inputs = inputs

    def fixed(self, form: str, agreed: Tried) -> tuple[str, ...]:
        """Return the axes that a file of ``form`` must fix, given the try that agreed."""
        if not agreed.pinned:
            return agreed.fit.fixed
        options = replace(self._trials.connection.options, extra=AS_IT_IS)
        for fit in SIZES:
            tried = self._try(form, replace(fit, adjusted=agreed.fit.adjusted), options=options)
            if tried is not None and tried.agrees:
                return fit.fixed
        return SIZES[-1].fixed

    def opsets(self, form: str, agreed: Tried) -> dict[str, str]:
        """Return what comes of the file in every opset."""
        found = {}
        for opset in OPSETS:
            tried = agreed if opset == DEFAULT else self._try(form, agreed.fit, opset)
            found[str(opset)] = _word(tried)
        return found

    def bodies(self) -> dict[str, str]:
        """Return what comes of each way to write a Scan body, with free sizes and with fixed ones."""
        found = {}
        for name, adjusted in BODIES.items():
            for where, fit in (("free", SIZES[0]), ("fixed", SIZES[-1])):
                tried = self._try("scan", replace(fit, adjusted=adjusted))
                found[f"{name}, sizes {where}"] = _word(tried)
        return found

    def precisions(self, form: str, agreed: Tried, names: tuple[str, ...]) -> Iterator[str]:
        """Yield the precisions by whose name the runtime really computes in another one."""
        met = {agreed.precision}
        for name in names:
            options = replace(self._trials.connection.options, precision=name)
            tried = self._try(form, agreed.fit, options=options)
            if tried is not None and tried.precision and tried.precision not in met:
                met.add(tried.precision)
                yield name

    def _try(
        self, form: str, fit: Fit, opset: int = DEFAULT, options: Options | None = None
    ) -> Tried | None:
        subject = self._files.made(form, fit, opset)
        if isinstance(subject, NoSubject):
            return None
        sizes = self._files.fixed_sizes(form, fit)
        model = OnnxFile(subject.path)
        return self._trials.attempt(model, subject, self._inputs, sizes, fit=fit, options=options)


def _word(tried: Tried | None) -> str:
    """Return an outcome, and why where it is no pass."""
    if tried is None:
        return str(Outcome.UNVERIFIABLE)
    if tried.agrees or not tried.reason:
        return str(tried.outcome)
    return f"{tried.outcome}: {tried.reason}"
