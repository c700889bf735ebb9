"""LANGUAGE 3, programs: a flat list of steps over slots of one arena; printer, verifier, serializer."""
