"""A clinic that never was, its truth known (docs/synthetic.md): for tests, benchmarks and demonstrations."""

from alleviate.records.synthetic.clinic import CLAIMS, Clinic, simulate

__all__ = ["CLAIMS", "Clinic", "simulate"]
