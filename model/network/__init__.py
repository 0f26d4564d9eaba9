"""Mask R-CNN (He et al., 2017): backbone, RPN, RoI heads, losses."""
