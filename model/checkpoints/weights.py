"""Weights by name: the builtin ones, torchvision's official ones, or a checkpoint file.

Nothing that a person may have downloaded somewhere is unpickled: checkpoints are safetensors, and torchvision's own
files are read by `torch.load(weights_only=True)`.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from torch import nn
from torchvision.ops.misc import FrozenBatchNorm2d

from dataset.coco.categories import from_coco
from dataset.i18n import tr
from model.checkpoints.checkpoint import FORMAT, Checkpoint
from model.checkpoints.names import BUILTIN_FILE, WeightsError
from model.checkpoints.safetensors_file import TensorInfo, read_header, read_tensors
from model.checkpoints.torchvision_weights import OFFICIAL
from model.config_values import model_config
from model.network.build import meta_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataset.coco.categories import Category
    from model.config import ModelConfig
    from model.network.mask_rcnn import MaskRCNN

MAX_BYTES = 4 * 2**30
"""Bytes: no network of the family comes near."""
MAX_NAME = 10_000
"""Characters of the name of a class or a keypoint."""
MAX_REASON = 200
"""Characters of what is wrong with a header; it may quote what stands there."""


def load(name: str | Path) -> Checkpoint:
    """Return weights, checked: they fit the network that their config describes.

    Args:
        name: `builtin`; `coco`, torchvision's Mask R-CNN with ResNet-50-FPN trained on COCO, fetched by torchvision
            when its cache does not hold it; or a `.safetensors` file that training wrote.

    Raises:
        WeightsError: There are no such weights, or they are damaged, or something else.
    """
    if str(name) == "builtin":
        if not BUILTIN_FILE.exists():
            raise WeightsError(tr("The builtin weights are missing from this installation: install it again."))
        return _read(BUILTIN_FILE)
    if not str(name):
        raise WeightsError(
            tr("No weights are named: use builtin, {names} or a checkpoint file.", names=", ".join(OFFICIAL))
        )
    if str(name) in OFFICIAL:
        return _official(str(name))
    return _read(Path(name))


def network_of(checkpoint: Checkpoint) -> MaskRCNN:
    """Return the checkpoint's network in float32, on the CPU, ready to predict.

    Raises:
        WeightsError: The weights do not fit the config.
    """
    network = deepcopy(meta_network(checkpoint.config))
    _compare(network, checkpoint.state)
    # Copies: a network that is trained must not change the checkpoint it began at, which others may be made of.
    state = {
        name: value.to(torch.float32, copy=True) if value.is_floating_point() else value.clone()
        for name, value in checkpoint.state.items()
    }
    network.load_state_dict(state, assign=True)
    return network.eval()


def fold_norms(module: nn.Module) -> None:
    """Fold every batch norm that follows a convolution into it, for inference: the same function in fewer passes."""
    before: nn.Module | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, FrozenBatchNorm2d | nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            assert child.running_mean is not None
            assert child.running_var is not None
            scale = child.weight * (child.running_var + child.eps).rsqrt()
            bias = child.bias - child.running_mean * scale
            if before.bias is not None:
                bias = bias + before.bias * scale
            before.weight = nn.Parameter(before.weight * scale[:, None, None, None], requires_grad=False)
            before.bias = nn.Parameter(bias.detach(), requires_grad=False)
            setattr(module, name, nn.Identity())
        else:
            fold_norms(child)
        before = child


def _read(path: Path) -> Checkpoint:
    """Read a checkpoint file; whatever is wrong with it becomes one sentence."""
    try:
        checkpoint = _checkpoint(path)
    except SafetensorError:
        raise WeightsError(
            tr(
                "{file} is not a checkpoint of this application, or a part of it is missing: choose a .safetensors "
                "file that training wrote.",
                file=path,
            )
        ) from None
    except (OSError, MemoryError) as error:
        raise WeightsError(
            tr(
                "{file} cannot be read ({reason}).",
                file=path,
                reason=getattr(error, "strerror", None) or tr("no memory"),
            )
        ) from None
    except (ValueError, TypeError, KeyError, RuntimeError, RecursionError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0][:MAX_REASON]
        raise WeightsError(
            tr(
                "{file} is not a checkpoint of this application: its header is damaged ({reason}).",
                file=path,
                reason=reason,
            )
        ) from None
    return checkpoint


def _checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint of a safetensors file that is one of ours.

    Its tensors are not read before the header is known to be that of the network which it describes.

    Raises:
        WeightsError: It is not there, much too large, of something else, or has numbers that are none.
        ValueError: The header is not as `model.checkpoints.checkpoint` writes it.
    """
    if not path.is_file():
        raise WeightsError(
            tr(
                "There are no weights {file}: use builtin, {names} or a checkpoint file.",
                file=path,
                names=", ".join(OFFICIAL),
            )
        )
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(
            tr("{file} is too large for a checkpoint ({n} GB): choose another.", file=path, n=path.stat().st_size >> 30)
        )
    header = read_header(path)
    if header.metadata.get("format") != FORMAT:
        raise WeightsError(
            tr("{file} holds tensors of something else: choose a checkpoint that training wrote.", file=path)
        )
    config, categories, metrics = _decode(header.metadata)
    _compare(meta_network(config), header.tensors, path)
    state = read_tensors(path, header.size)
    # In the precision of the network, in which a greater number is infinite.
    if not all(bool(value.float().isfinite().all()) for value in state.values() if value.is_floating_point()):
        raise WeightsError(tr("{file} holds numbers that are not finite: choose another checkpoint.", file=path))
    return Checkpoint(config, categories, state, metrics)


def _decode(metadata: dict[str, str]) -> tuple[ModelConfig, tuple[Category, ...], dict[str, Any]]:
    """Return the config, the categories and the metrics that a header holds.

    Raises:
        ValueError: The header is not as `model.checkpoints.checkpoint` writes it.
    """
    config = model_config(json.loads(metadata["config"]))
    categories = tuple(from_coco(record) for record in json.loads(metadata["categories"]))
    if len(categories) != config.classes:
        raise ValueError(f"it names {len(categories)} categories for {config.classes} classes")
    if any(len(c.keypoint_names) not in (0, config.keypoints) for c in categories):
        raise ValueError("the keypoints of its categories are not those of its network")
    for category in categories:
        for name in (category.name, category.supercategory, *category.keypoint_names):
            if len(name) > MAX_NAME:
                raise ValueError(f"the name of a class or a keypoint is longer than {MAX_NAME} characters")
    metrics: Any = json.loads(metadata.get("metrics", "{}"))
    return config, categories, metrics if isinstance(metrics, dict) else {}


def _compare(network: MaskRCNN, state: Mapping[str, torch.Tensor | TensorInfo], file: Path | None = None) -> None:
    """Check that names, shapes and types are those of the network; `file` is named in the error.

    Raises:
        WeightsError: They are not.
    """
    own = network.state_dict()
    problems = (_mismatch(name, state.get(name), own.get(name)) for name in sorted(own.keys() | state.keys()))
    problem = next(filter(None, problems), "")
    if problem and file is None:
        raise WeightsError(
            tr("The weights do not fit their network: {problem}; use another checkpoint.", problem=problem)
        )
    if problem:
        raise WeightsError(
            tr("{file} does not fit its network: {problem}; use another checkpoint.", file=file, problem=problem)
        )


def _mismatch(name: str, given: torch.Tensor | TensorInfo | None, wanted: torch.Tensor | None) -> str:
    """Return the difference of a tensor from that of the network; "" where there is none."""
    shown = name[:MAX_REASON]
    if given is None:
        return tr("{name} is missing", name=shown)
    if wanted is None:
        return tr("{name} is not a part of it", name=shown)
    shapes = tuple(given.shape), tuple(wanted.shape)
    if shapes[0] != shapes[1]:
        return tr("{name} has the shape {given} instead of {wanted}", name=shown, given=shapes[0], wanted=shapes[1])
    if wanted.is_floating_point() != _is_float(given):
        return tr("{name} holds numbers of another type", name=shown)
    return ""


def _is_float(tensor: torch.Tensor | TensorInfo) -> bool:
    return tensor.is_floating_point() if isinstance(tensor, torch.Tensor) else tensor.is_floating_point


def _official(name: str) -> Checkpoint:
    """Return torchvision's weights, from its cache or its host.

    Raises:
        WeightsError: They are neither in the cache nor to be had, or damaged.
    """
    entry = OFFICIAL[name]
    weights = entry.weights()
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    try:
        with redirect_stdout(sys.stderr):  # torch says there what it fetches, and a command's output may be JSON
            state = dict(weights.get_state_dict(progress=True, check_hash=True, weights_only=True))
    except URLError:
        raise WeightsError(
            tr(
                "The weights {name!r} are not on this computer and cannot be fetched without a network: connect once, "
                "put {file} into {folder}, or use builtin.",
                name=name,
                file=cached.name,
                folder=cached.parent,
            )
        ) from None
    except Exception:  # noqa: BLE001 - a damaged file fails in many ways
        raise WeightsError(tr("{file} is damaged: delete it and it is fetched again.", file=cached)) from None
    network = meta_network(entry.config)
    known = network.state_dict()
    # Where our batch norms are frozen they do not count the batches that torchvision's saw.
    state = {n: v for n, v in state.items() if n in known or not n.endswith("num_batches_tracked")}
    try:
        _compare(network, state)
    except WeightsError:
        raise WeightsError(
            tr("{file} is not what torchvision publishes: delete it and it is fetched again.", file=cached)
        ) from None
    return Checkpoint(entry.config, entry.categories, state)
