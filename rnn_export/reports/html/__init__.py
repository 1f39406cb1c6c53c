"""The report as one HTML file that opens offline: no script, nothing fetched, light and dark, wide and narrow."""

from rnn_export.reports.html.graph import Graph, GraphNode, graph_of
from rnn_export.reports.html.page import html

__all__ = ["Graph", "GraphNode", "graph_of", "html"]
