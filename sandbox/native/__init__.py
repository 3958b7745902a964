"""Native code of our own for the path that every step takes; see `sandbox.native.library`."""
