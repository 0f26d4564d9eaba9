"""Mask R-CNN: configuration, networks, weights, prediction, training, evaluation. No Qt."""

import os

# torch's threads wait for one another thousands of times a photo. By default they spin meanwhile, and where another
# program wants the cores too, the one that is waited for does not get one: a photo that takes 0.27 s took 5.3 s beside
# a second busy process on two cores, and 0.28 s with threads that sleep. The library reads this when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
