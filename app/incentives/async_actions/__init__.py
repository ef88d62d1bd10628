"""Work that outlives its request, seen from outside: what was started, how far it is, what came of it."""
