"""How each family of operations is written; importing this registers them all."""

from rnn_export.exporters.ops import arrange, dense, masks, merges, normal, pointwise, pooling

FAMILIES = (arrange, dense, masks, merges, normal, pointwise, pooling)
