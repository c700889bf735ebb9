"""STAGE graph → graph: derivatives as graph values, from the gradient records of the ops; knows no op by name."""
