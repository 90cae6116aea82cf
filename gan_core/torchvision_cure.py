"""Importing torchvision beside a torch it was not built for.

A torchvision built for CUDA beside a CPU torch (or of another version) cannot load its compiled operators, and then
`import torchvision` itself fails with "operator torchvision::nms does not exist", though its data sets and transforms
are plain Python and need none of them. Declaring the two operators that the import asks for, without giving them any
code, is enough to get past it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[torch.library.Library] = []  # a declaration lives only as long as its Library object


def import_torchvision() -> ModuleType:
    """`torchvision`, imported; a torchvision whose operators load is left exactly as it is.

    The import takes about as long as the first step of an optimizer, and for the same reason (torch._dynamo): whichever
    comes first pays, so call this where data is read rather than at the top of a module. Raises ImportError where
    torchvision is not installed.
    """
    if "torchvision" not in sys.modules and not _operators_load() and not hasattr(torch.ops.torchvision, "nms"):
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _kept.append(library)
    return importlib.import_module("torchvision")


def _operators_load() -> bool:
    """Whether torchvision's compiled library works here, found out as torchvision itself does: by loading it.

    Loading it twice is harmless, so a proper torchvision finds nothing changed.
    """
    package = importlib.util.find_spec("torchvision")
    extension = package and PathFinder.find_spec("_C", package.submodule_search_locations)
    if not extension or not extension.origin:
        return False
    if sys.platform == "win32":
        os.add_dll_directory(os.path.dirname(extension.origin))  # where torchvision, too, lets Windows look
    try:
        torch.ops.load_library(extension.origin)
    except OSError:
        return False
    return True
