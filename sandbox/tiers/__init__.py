"""The ways of running a program: the interpreted reference, and the compiler that must equal it."""
