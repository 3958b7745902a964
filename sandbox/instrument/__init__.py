"""Tree to tree: fuel and guards, the only place where a guest's code is rewritten.

Takes the validated tree and gives one that can be compiled and run with the names of
`sandbox.predeclared`. It is a `RestrictingNodeTransformer`, so a node that neither this module nor
RestrictedPython knows is refused, whatever the validator said: two gates with two authors. Where
RestrictedPython refuses what natural programs write (names that begin with an underscore,
``self.x += 1``, annotations, ``nonlocal``, ``match`` on values), the methods of this package take over.

Guards have names that no source can spell (``$Add``), so nothing a guest binds can shadow them.
A guard is left out where the source itself shows that it could not matter: ``x + 1.0`` cannot
grow, ``image[0, 3]`` cannot allocate, a method that only the program's own classes have leads
nowhere. That keeps most of a natural program as CPython would run it.
"""

from sandbox.instrument.rewriting import Instrumented, InstrumentError, instrument

__all__ = ["InstrumentError", "Instrumented", "instrument"]
