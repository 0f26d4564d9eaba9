"""The ablations of the *Mask R-CNN* paper, run again: what `benchmarks.ablation` is made of."""
