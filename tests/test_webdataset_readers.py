"""What we write is what others read: webdataset's own reader, and open_clip's own training script on ``laion tar``."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from laion_pairs.cli import main
from laion_pairs.sample import ImageHost, LoopbackHub

pytestmark = pytest.mark.ci

WEB = ["--allow-private", "--retries", "0", "--timeout", "20", "--quiet"]
REPOSITORY = "me/pictures"
N = 64

# open_clip imports torchvision; a torchvision built for another torch lacks its compiled operators, which are not used.
WITHOUT_OPERATORS = "import sys, types; sys.modules['torchvision._meta_registrations'] = types.ModuleType('none'); "


@pytest.fixture
def repository(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    """64 pictures in 4 files; the caption says which; a few have none, a few links are dead."""
    with ImageHost() as host:
        files: dict[str, bytes | str | Path] = {}
        for number in range(4):
            indices = range(number * N // 4, (number + 1) * N // 4)
            for index in indices:
                file = io.BytesIO()
                Image.new("RGB", (300, 200), (index * 3, 100, 100)).save(file, "JPEG")
                if index % 16 != 5:
                    host.serve(f"/{index}.jpg", file.getvalue())
            captions = [None if index % 16 == 6 else f"picture number {index}" for index in indices]
            table = pa.table({"url": [host.url(f"/{index}.jpg") for index in indices], "caption": captions})
            file = io.BytesIO()
            pq.write_table(table.append_column("pair_id", pa.array(list(indices), pa.int64())), file)
            files[f"data-{number}.parquet"] = file.getvalue()
        hub.add_repository(REPOSITORY, files)
        yield hub


def expected_texts() -> list[str]:
    return sorted("" if index % 16 == 6 else f"picture number {index}" for index in range(N) if index % 16 != 5)


def pipe_of_four() -> str:
    """What a user writes, with this Python's ``laion``."""
    laion = f"{sys.executable} -m laion_pairs.cli"
    return f"pipe:{laion} tar {REPOSITORY} --shard {{00000..00003}} --shards 4 --image-size 64 {' '.join(WEB)}"


def test_webdataset_reads_the_shards(repository: LoopbackHub, tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset", reason="pip install webdataset==0.2.86")
    out = tmp_path / "out"
    command = ["download", REPOSITORY, "--output", str(out), "--shard-size", "20", "--image-size", "64", *WEB]
    assert main(command) == 0
    reader = wds.WebDataset(str(out / "{00000..00003}.tar"), shardshuffle=False)
    samples = list(reader.decode("pil").to_tuple("__key__", "jpg", "txt", "json"))
    assert sorted(text for _, _, text, _ in samples) == expected_texts()
    for key, image, _, record in samples:
        assert record["key"] == key
        assert key.startswith(f"{record['pair_id'] // 20:05d}")
        assert image.size == (64, 64)


def open_clip_data() -> Any:
    pytest.importorskip("torch", reason="pip install torch")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        exec(WITHOUT_OPERATORS)
    return pytest.importorskip("open_clip_train.data", reason="pip install open_clip_torch webdataset==0.2.86")


def test_open_clips_loader_reads_the_pipe(repository: LoopbackHub) -> None:
    """Its own ``get_wds_dataset``, evaluating, so that it yields every sample once."""
    data = open_clip_data()
    asked = Namespace(val_data=pipe_of_four(), val_num_samples=N, batch_size=7, workers=2, seed=0, world_size=1)

    def tokenizer(text: str) -> list[str]:
        return [text]

    loader = data.get_wds_dataset(asked, _mean_colour, is_train=False, tokenizer=tokenizer).dataloader
    texts = [text for _, batch in loader for text in batch]
    assert sorted(texts) == expected_texts()


def _mean_colour(image: Image.Image) -> Any:
    import torch

    assert image.size == (64, 64)
    return torch.tensor(float(image.getpixel((32, 32))[0]))  # type: ignore[index]


def test_open_clips_own_script_trains_on_the_pipe(repository: LoopbackHub, tmp_path: Path) -> None:
    open_clip_data()
    arguments = f"""--train-data PIPE --dataset-type webdataset --train-num-samples 32 --batch-size 8 --workers 2
        --model ViT-S-32 --force-image-size 32 --epochs 1 --warmup 1 --precision fp32 --device cpu --save-frequency 0
        --logs {tmp_path} --name run""".split()
    arguments[1] = pipe_of_four()
    program = f"{WITHOUT_OPERATORS} from open_clip_train.main import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=900, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = (tmp_path / "run" / "out.log").read_text()
    assert re.search(r"Train Epoch: 0 .*\(100%\)\].*Loss", log), log[-3000:]
    assert "Handling webdataset error" not in log
