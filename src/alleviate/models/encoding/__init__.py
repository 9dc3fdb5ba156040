"""Typed columns to numbers, fitted on the training people only."""

from alleviate.models.encoding.encoder import Encoded, EncodedColumn, Encoder

__all__ = ["Encoded", "EncodedColumn", "Encoder"]
