"""STAGE graph → graph: each pass is a pure function that returns the same object when nothing changed."""
