"""The walk-through on `examples/catsndogs`: real pushes, real containers, every request counted."""
