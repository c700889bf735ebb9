"""LANGUAGE 1, the graph: typed SSA values, their printer, parser and verifier. It decides nothing."""
