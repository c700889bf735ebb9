"""LANGUAGE 2, kernels: loop nests over typed scalar expressions, their printer, parser, verifier,
interpreter, and the expansion of transcendental functions. It knows neither graph ops nor targets."""
