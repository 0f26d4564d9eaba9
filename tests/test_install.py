"""An installed copy: what is in the archives, and that it and other modules of the same names leave each other alone.

The wheel is made from the source archive, installed without what it depends on, and run in an environment that finds
that where the tests do. In that environment new processes are spawned, as they are on Windows and macOS.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest
from PIL import Image

import main
from annotator_app import __version__
from resources import SAMPLES
from tests.tiny_model import write_tiny_model

ROOT = Path(main.__file__).parent
NAMES = ("annotator", "dataset", "main", "model", "resources")
"""What is at the root of the repository, and at the root of many another project."""
PROGRAM = "annotator_app/program/"
NOT_INSTALLED = {"LICENSE", "README.md", "pyproject.toml", "MANIFEST.in"}
LEFT_OUT = ("__pycache__", "*.egg-info", "build", "dist", "runs", "shared", ".*", "annotations.json")
BUILD = """
import sys
from setuptools import build_meta
getattr(build_meta, "build_" + sys.argv[1])(sys.argv[2])
"""
TRAIN = """
import sys
from annotator_app import program_folder
sys.path.insert(0, str(program_folder()))
from PySide6.QtCore import QCoreApplication
from annotator.finetune import process as training
from annotator.session import process_priority
process_priority.NICENESS = 0
application = QCoreApplication(sys.argv[:1])
process = training.TrainingProcess()
process.event_received.connect(print)
process.ended.connect(application.quit)
process.start(sys.argv[1:])
application.exec()
"""
SPAWN = """
import sys
from multiprocessing import Pool
from annotator_app import program_folder
sys.path.insert(0, str(program_folder()))
from dataset.folder import natural_key
with Pool(1) as pool:
    print(pool.apply(natural_key, ["photo12"]) == natural_key("photo12"))
"""


def _build(kind: str, source: Path, folder: Path) -> Path:
    """Return the archive of that kind, made of a source tree in a folder of its own."""
    command = [sys.executable, "-c", BUILD, kind, str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return archive


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("checkout") / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return _build("sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return _build("wheel", source, tmp_path_factory.mktemp("wheel"))


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and a folder of somebody's own modules, all of which raise when imported."""

    scripts: Path
    elsewhere: Path

    def run(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the folder, which is on the module path too."""
        program, *arguments = map(str, command)
        own = {"PYTHONPATH": str(self.elsewhere), "QT_QPA_PLATFORM": "offscreen"}
        return subprocess.run(
            [str(self.scripts / program), *arguments],
            cwd=self.elsewhere, env=os.environ | own | environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a new environment with the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    packages = Path(paths["purelib"])
    ours = sysconfig.get_paths()
    (packages / "dependencies.pth").write_text(f"{ours['purelib']}\n{ours['platlib']}\n")
    (packages / "sitecustomize.py").write_text("import multiprocessing\nmultiprocessing.set_start_method('spawn')\n")
    scripts = Path(paths["scripts"])
    pip = [sys.executable, "-m", "pip", "--python", str(scripts / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    return scripts


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    elsewhere = tmp_path / "elsewhere"
    for name in NAMES:
        (elsewhere / name).mkdir(parents=True)
        (elsewhere / name / "__init__.py").write_text(f"raise ImportError('the {name} of somebody else')\n")
    shutil.rmtree(elsewhere / "main")
    (elsewhere / "main.py").write_text("raise ImportError('the main of somebody else')\n")
    return Installed(environment, elsewhere)


def _project(folder: Path) -> Path:
    """Write a COCO file of two photos, with an object each."""
    folder.mkdir()
    images, annotations = [], []
    for i, name in enumerate(("cat.jpg", "dog.jpg"), 1):
        with Image.open(SAMPLES / name) as photo:
            photo.resize((96, 64)).save(folder / name)
        images.append({"id": i, "file_name": name, "width": 96, "height": 64})
        box, ring = [10, 20, 50, 30], [10, 20, 60, 20, 60, 50, 10, 50]
        annotations.append(
            {"id": i, "image_id": i, "category_id": 1, "bbox": box, "segmentation": [ring], "area": 1500, "iscrowd": 0}
        )
    file = folder / "annotations.json"
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "Cup"}]}
    file.write_text(json.dumps(data))
    return file


def test_the_wheel_adds_one_name_and_has_all_that_runs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names} == {"annotator_app", f"annotator-{__version__}.dist-info"}
    wanted = {"main.py"}
    for name in ("annotator", "dataset", "model", "resources"):
        files = [file.relative_to(ROOT) for file in (ROOT / name).rglob("*") if file.is_file()]
        wanted |= {file.as_posix() for file in files if not any(fnmatch(p, x) for p in file.parts for x in LEFT_OUT)}
    wanted -= {file for file in wanted if file.startswith("resources/pictures/")}
    assert {name.removeprefix(PROGRAM) for name in names if name.startswith(PROGRAM)} == wanted
    assert {"annotator/py.typed", "resources/weights/builtin.safetensors", "resources/samples/cat.jpg"} <= wanted


def test_every_licence_is_in_both_archives(sdist: Path, wheel: Path) -> None:
    licences = {str(file.relative_to(ROOT).as_posix()) for file in (ROOT / "resources").rglob("LICENSE*")} | {"LICENSE"}
    assert "resources/weights/LICENSE-MoveNet.txt" in licences
    with zipfile.ZipFile(wheel) as archive:
        assert {f"annotator-{__version__}.dist-info/licenses/{file}" for file in licences} <= set(archive.namelist())
    with tarfile.open(sdist) as source:
        names = {name.split("/", 1)[-1] for name in source.getnames()}
    assert licences <= names
    assert {"README.md", "CHANGELOG.md", "Makefile", "tests/test_install.py", "benchmarks/__main__.py"} <= names


def test_other_programs_find_their_own_modules(installed: Installed) -> None:
    lines = f"from importlib.util import find_spec\nfor name in {NAMES}: print(getattr(find_spec(name), 'origin', ''))"
    found = installed.run("python", "-c", f"import annotator_app\n{lines}").stdout.split()
    assert [Path(file).is_relative_to(installed.elsewhere) for file in found] == [True] * len(NAMES)
    assert installed.run("python", "-I", "-c", lines).stdout.strip() == ""


def test_the_command_runs_beside_modules_of_the_same_names(installed: Installed, tmp_path: Path) -> None:
    for command in (["annotator", "--help"], ["python", "-m", "annotator_app", "--help"]):
        done = installed.run(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("usage: annotator ")
    write_tiny_model(tmp_path / "models" / "tiny.safetensors")
    done = installed.run("annotator", "models", tmp_path / "models", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "tiny"


def test_the_training_process_runs_beside_modules_of_the_same_names(installed: Installed, tmp_path: Path) -> None:
    file = _project(tmp_path / "photos")
    weights = write_tiny_model(tmp_path / "tiny.safetensors")
    done = installed.run(
        "python", "-P", "-c", TRAIN, file, "--images", file.parent, "--from", weights, "--output", tmp_path / "new",
        "--estimate", "--json", "--epochs", "1", "--short-side", "64", "--threads", "1",
        PYTHONSAFEPATH="1",
    )  # fmt: skip
    assert "Estimate(seconds=" in done.stdout, done.stdout + done.stderr


def test_spawned_processes_find_the_modules(installed: Installed) -> None:
    done = installed.run("python", "-c", SPAWN)
    assert done.stdout == "True\n", done.stderr
