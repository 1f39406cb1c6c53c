"""Graphs of an ONNX file: every value made once, by something, and without going in circles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.workflows.onnx_input.operators import Versions, complaint, versions
from rnn_export.workflows.onnx_input.tensors import Tensors

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto

Called = dict[tuple[str, str], int]
"""How often a graph calls each (domain, operator), bodies within it included."""

Scopes = tuple[Collection[str], ...]
"""Values by name, of a graph and of those around it. Never joined: every body would copy all that is outside."""


@dataclass
class Graphs:
    """Looks at every graph of one file.

    Args:
        subject: the file, for errors.
        tensors: looks at the tensors in them.
        domains: whose operators may occur.
        versions: of the operators.
        own: operators that are functions of the file.
    """

    subject: str
    tensors: Tensors
    domains: frozenset[str]
    versions: Versions
    own: Collection[tuple[str, str]] = ()
    called: Called = field(default_factory=dict)
    """What the graph seen last calls; emptied by who asks."""

    def see(self, graph: GraphProto, outer: Scopes = ()) -> set[str]:
        """Look at a graph and the bodies in it; return the values that it takes from outside.

        Raises:
            ReadError: a loop, a value that nobody makes or two make, an unknown domain, a tensor that cannot be.
        """
        given: set[str] = set()
        for tensor in graph.initializer:
            self.tensors.see(tensor, f"initializer {tensor.name!r}")
            given.add(tensor.name)
        for sparse in graph.sparse_initializer:
            self.tensors.count(sparse.dims, f"{self.subject}: initializer {sparse.values.name!r}")
            self.tensors.see(sparse.values, f"initializer {sparse.values.name!r}")
            self.tensors.see(sparse.indices, f"indices of {sparse.values.name!r}")
            given.add(sparse.values.name)
        given.update(value.name for value in graph.input)
        return self.see_nodes(graph.node, given, [value.name for value in graph.output], outer)

    def see_function(self, function: FunctionProto) -> None:
        """Look at a function of the file's own.

        Raises:
            ReadError: as for `see`.
        """
        outside, self.versions = self.versions, versions(function.opset_import)
        self.see_nodes(function.node, set(function.input), list(function.output), ())
        self.versions = outside

    def see_nodes(
        self,
        nodes: Iterable[NodeProto],
        given: set[str],
        outputs: list[str],
        outer: Scopes,
    ) -> set[str]:
        """Look at the nodes of a graph or function.

        Args:
            nodes: in the file's order, which need not be the running order.
            given: values that are there before any node runs.
            outputs: values that are handed out.
            outer: values of the graphs around this one.

        Returns:
            Those of ``outer`` that are read.

        Raises:
            ReadError: as for `see`.
        """
        listed = list(nodes)
        makers: dict[str, int] = {}
        for number, node in enumerate(listed):
            self._see_operator(node)
            for name in node.output:
                if name and (name in makers or name in given):
                    raise self._wrong(node, "values with one maker", f"a second one of {name!r}")
                if name:
                    makers[name] = number
        known = (given, makers, *outer)
        needs: list[set[str]] = []
        taken: set[str] = set()
        for node in listed:
            read = {name for name in node.input if name} | self._see_attributes(node, known)
            for name in sorted(read):
                if not _held(name, known):
                    raise self._wrong(node, "inputs that something makes", repr(name))
            needs.append(read)
            taken |= read
        for name in outputs:
            if name and not _held(name, known):
                raise ReadError(
                    self.subject, expected="outputs that something makes", got=repr(name)
                )
        self._expect_order(listed, needs, makers)
        return {
            name for name in taken.union(outputs) if _held(name, outer) and name not in makers
        } - given

    def _see_operator(self, node: NodeProto) -> None:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if domain not in self.domains:
            raise self._wrong(
                node,
                "operators of ONNX, of onnxruntime, or of the file's own functions",
                f"the domain {node.domain!r}",
                "What an operator of another domain does is known to its maker alone.",
            )
        key = (domain, node.op_type)
        wrong = None if key in self.own else complaint(node, domain, self.versions)
        if wrong is not None:
            raise self._wrong(node, *wrong)
        self.called[key] = self.called.get(key, 0) + 1

    def _see_attributes(self, node: NodeProto, known: Scopes) -> set[str]:
        """Look at tensors and bodies in a node; return the values of the graph around that the bodies read."""
        read: set[str] = set()
        for attribute in node.attribute:
            for tensor in _tensors(attribute):
                self.tensors.see(tensor, f"{_called(node)}, attribute {attribute.name!r}")
            for body in _bodies(attribute):
                read |= self.see(body, known)
        return read

    def _expect_order(
        self, nodes: list[NodeProto], needs: list[set[str]], makers: dict[str, int]
    ) -> None:
        """Raise ReadError if the nodes cannot be put into an order in which each runs after what it reads."""
        readers: list[list[int]] = [[] for _ in nodes]
        open_: list[int] = []
        for number, read in enumerate(needs):
            before = {makers[name] for name in read if name in makers}
            open_.append(len(before))
            for maker in before:
                readers[maker].append(number)
        ready = [number for number, count in enumerate(open_) if not count]
        done = 0
        while ready:
            done += 1
            for reader in readers[ready.pop()]:
                open_[reader] -= 1
                if not open_[reader]:
                    ready.append(reader)
        if done < len(nodes):
            stuck = next(number for number, count in enumerate(open_) if count)
            raise self._wrong(nodes[stuck], "a graph without loops", "a loop through or before it")

    def _wrong(self, node: NodeProto, expected: str, got: str, advice: str = "") -> ReadError:
        return ReadError(
            f"{self.subject}: {_called(node)}", expected=expected, got=got, advice=advice
        )


def _held(name: str, scopes: Scopes) -> bool:
    return any(name in scope for scope in scopes)


def _called(node: NodeProto) -> str:
    return f"node {node.name!r} ({node.op_type})" if node.name else f"a node {node.op_type}"


def _tensors(attribute: AttributeProto) -> Iterator[TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    sparse = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
    for item in (*sparse, *attribute.sparse_tensors):
        yield item.values
        yield item.indices


def _bodies(attribute: AttributeProto) -> Iterator[GraphProto]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs
