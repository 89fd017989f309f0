"""A whole head CT case beside the same chain written plainly with SimpleITK and scikit-image: CPU and wall time, peak memory.

    .venv/bin/python benchmarks/head_ct.py [--quick]

Needs the extra ``bench``; a library that is not there is "not run". Some ten minutes, most of them pyradiomics'. The scan is heads/cranium_ct of the
data where it is (``DIAPHANE_DATA``), else the made head of the demo. Each run is a process of its own with one thread, counted from its start.

The chain: read the scan; skin (the body without table, its openings closed) and bone as a label map in a file; parts and specks; shape and intensity of
each structure as a table; their surfaces, thinned to as many triangles, as one glTF file; a page with twenty coloured slices and the table. Ours also finds the
head cavity, which the plain chain leaves out, and judges the result by its gates. Who measures in the plain chain: pyradiomics (its classes shape and
firstorder), mirp (morphology and statistics), or SimpleITK's own label filters, which know less. In "ours, everything" come DICOM images,
DICOM SEG and FHIR, which the plain chain has not at all.
"""

from __future__ import annotations

from beside import DATA, alone, machine, say, told  # isort: skip  # sets the threads

import argparse
import base64
import csv
import html
import io
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module, util
from pathlib import Path
from typing import Any

import numpy as np

TISSUE_HU, BONE_HU, TABLE_MM, GAP_MM, SPECK_MM3, TRIANGLES, SLICES, TALL_PX = -300, 226, 3.0, 5.0, 50.0, 100_000, (12, 4, 4), 400
NAMES = {1: "soft tissue", 2: "bone", 3: "air inside"}
COLOURS = {1: (0.9, 0.7, 0.5), 2: (1.0, 1.0, 0.9), 3: (0.3, 0.6, 1.0)}
Rows = list[list[object]]
Clock = list[tuple[str, float]]
"""What was done, and the CPU time of the process at its end."""


def ours(source: Path, out: Path, clock: Clock, *, everything: bool) -> None:
    """``diaphane run``; without ``everything`` it leaves out the clinic's formats."""
    import cv2

    from diaphane import Plan, run
    from diaphane.report.options import Options as ReportOptions

    class Handler(logging.Handler):
        """A stage ends with a line of its own."""

        def emit(self, record: logging.LogRecord) -> None:
            clock.append((record.getMessage().split()[0], time.process_time()))

    cv2.setNumThreads(1)
    log = logging.getLogger("diaphane.pipeline")
    log.addHandler(Handler())
    log.setLevel(logging.INFO)
    run(source, out, Plan() if everything else Plan(report=ReportOptions(segmentation_object=False, derived_series=False, fhir=False)))


def plain(source: Path, out: Path, clock: Clock, measure: Callable[[Any, Any], Rows]) -> None:
    """The same by hand."""
    import SimpleITK as sitk  # noqa: N813

    def note(name: str) -> None:
        clock.append((name, time.process_time()))

    image = sitk.ReadImage(str(source))
    note("acquire")
    labels = segmented(sitk, image)
    sitk.WriteImage(labels, str(out / "labels.nii.gz"), useCompression=True)
    note("segment")
    rows = measure(image, labels)
    with (out / "features.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    note("measure")
    write_scene(sitk, labels, out / "scene.glb")
    note("view")
    (out / "report.html").write_text(page(sitk.GetArrayViewFromImage(image), sitk.GetArrayViewFromImage(labels), image.GetSpacing()[::-1], rows), "utf-8")
    note("report")


def segmented(sitk: Any, image: Any) -> Any:
    """1 soft tissue, 2 bone, 3 air that they enclose."""

    def largest(mask: Any) -> Any:
        return sitk.RelabelComponent(sitk.ConnectedComponent(mask), sortByObjectSize=True) == 1

    def filled(mask: Any) -> Any:
        return sitk.JoinSeries([sitk.BinaryFillhole(mask[:, :, k]) for k in range(mask.GetDepth())], image.GetOrigin()[2], image.GetSpacing()[2])

    across = [max(1, round(TABLE_MM / s)) for s in image.GetSpacing()[:2]]
    gap = [max(1, round(GAP_MM / s)) for s in image.GetSpacing()[:2]]
    tissue = image > TISSUE_HU
    core = largest(sitk.BinaryMorphologicalOpening(tissue, [*across, 0], sitk.sitkBall))
    body = sitk.BinaryDilate(core, [2 * n for n in across] + [0], sitk.sitkBall) & tissue
    head = filled(sitk.BinaryMorphologicalClosing(body, [*gap, 0], sitk.sitkBall))
    head.CopyInformation(image)
    smallest = round(SPECK_MM3 / float(np.prod(image.GetSpacing())))
    bone = sitk.RelabelComponent(sitk.ConnectedComponent((image >= BONE_HU) & head), smallest) > 0
    soft = head & tissue & ~bone
    return sitk.Cast(soft + 2 * bone + 3 * (head & ~tissue), sitk.sitkUInt8)


def by_simpleitk(image: Any, labels: Any) -> Rows:
    """What SimpleITK's label filters know, and the surface of scikit-image."""
    import SimpleITK as sitk  # noqa: N813
    from skimage.measure import marching_cubes, mesh_surface_area

    shape, grey = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelIntensityStatisticsImageFilter()
    shape.Execute(labels)
    grey.Execute(labels, image)
    array, spacing = sitk.GetArrayViewFromImage(labels), image.GetSpacing()[::-1]
    told_of = {"volume_mm3": shape.GetPhysicalSize, "axes": shape.GetPrincipalMoments, "elongation": shape.GetElongation, "flatness": shape.GetFlatness}
    told_of |= {name.lower(): getattr(grey, f"Get{name}") for name in ("Mean", "Median", "StandardDeviation", "Skewness", "Kurtosis", "Minimum", "Maximum")}
    rows: Rows = [["structure", *told_of, "surface_mm2"]]
    for label in shape.GetLabels():
        vertices, faces, _, _ = marching_cubes(np.pad(array == label, 1).astype(np.float32), 0.5, spacing=spacing)
        rows.append([NAMES[label], *(get(label) for get in told_of.values()), mesh_surface_area(vertices, faces)])
    return rows


def by_pyradiomics(image: Any, labels: Any) -> Rows:
    """Its shape and first-order classes."""
    logging.getLogger("radiomics").setLevel(logging.ERROR)
    extractor = import_module("radiomics.featureextractor").RadiomicsFeatureExtractor(additionalInfo=False)
    extractor.disableAllFeatures()
    for family in ("shape", "firstorder"):
        extractor.enableFeatureClassByName(family)
    found = {label: extractor.execute(image, labels, label=label) for label in NAMES}
    return [["structure", *found[1]], *([NAMES[label], *map(str, values.values())] for label, values in found.items())]


def by_mirp(image: Any, labels: Any) -> Rows:
    """Its morphological and statistical families."""
    import SimpleITK as sitk  # noqa: N813

    with tempfile.TemporaryDirectory() as folder:
        for name, one in (("image", image), ("mask", labels)):
            sitk.WriteImage(one, f"{folder}/{name}.nii.gz")
        tables = import_module("mirp").extract_features(
            image=f"{folder}/image.nii.gz", mask=f"{folder}/mask.nii.gz", image_modality="ct", base_feature_families=["morphology", "statistics"]
        )
    return [[str(name) for name in tables[0].columns], *([*one] for table in tables for one in table.itertuples(index=False))]


def write_scene(sitk: Any, labels: Any, path: Path) -> None:
    """A smoothed and thinned surface a structure, as glTF."""
    import fast_simplification
    import trimesh
    from skimage.filters import gaussian
    from skimage.measure import marching_cubes

    array, scene, meshes = sitk.GetArrayViewFromImage(labels), trimesh.Scene(), []
    for label in NAMES:
        places = np.argwhere(array == label) if (array == label).any() else None
        if places is None:
            continue
        low, high = places.min(axis=0), places.max(axis=0) + 1
        box = np.pad(array[low[0] : high[0], low[1] : high[1], low[2] : high[2]] == label, 3)
        vertices, faces, _, _ = marching_cubes(gaussian(box.astype(np.float32), 1.0), 0.5)
        matrix = np.array(labels.GetDirection()).reshape(3, 3) * labels.GetSpacing()
        meshes.append((label, (vertices + low - 3)[:, ::-1] @ matrix.T + labels.GetOrigin(), faces))
    total = sum(len(faces) for _, _, faces in meshes)
    for label, vertices, faces in meshes:
        wanted = int(len(faces) * min(1.0, TRIANGLES / total))
        thin = fast_simplification.simplify(vertices.astype(np.float32), faces.astype(np.int32), target_count=wanted)
        mesh = trimesh.Trimesh(thin[0] / 1000, thin[1], process=False)
        mesh.visual.face_colors = [*(int(255 * c) for c in COLOURS[label]), 255]
        scene.add_geometry(mesh, node_name=NAMES[label])
    path.write_bytes(scene.export(file_type="glb"))


def page(grey: np.ndarray, labels: np.ndarray, spacing: tuple[float, ...], rows: Rows) -> str:
    """Slices in three directions with their structures, and the table."""
    pictures = []
    for axis, count in enumerate(SLICES):
        for place in np.linspace(0, grey.shape[axis] - 1, count + 2)[1:-1].round().astype(int):
            pictures.append(picture(grey.take(place, axis), labels.take(place, axis), [s for n, s in enumerate(spacing) if n != axis], upright=axis == 0))
    table = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    images = "".join(f'<img src="data:image/png;base64,{text}">' for text in pictures)
    return f"<!doctype html><title>Head CT</title><h1>Head CT</h1>{images}<table>{table}</table>"


def picture(grey: np.ndarray, labels: np.ndarray, spacing: list[float], *, upright: bool) -> str:
    """One slice as PNG, in base64."""
    from PIL import Image
    from skimage.color import label2rgb

    soft = np.clip((grey + 160.0) / 400, 0, 1)
    rgb = label2rgb(labels, soft, colors=list(COLOURS.values()), alpha=0.35, bg_label=0)
    scale = TALL_PX / (grey.shape[0] * spacing[0])
    drawn = Image.fromarray((255 * rgb[:: 1 if upright else -1]).astype(np.uint8)).resize((round(grey.shape[1] * spacing[1] * scale), TALL_PX))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


WAYS: dict[str, tuple[str, Callable[[Path, Path, Clock], None]]] = {
    "ours": ("diaphane", partial(ours, everything=False)),
    "ours, everything": ("diaphane", partial(ours, everything=True)),
    "SimpleITK, scikit-image": ("SimpleITK", partial(plain, measure=by_simpleitk)),
    "SimpleITK, scikit-image, pyradiomics": ("radiomics", partial(plain, measure=by_pyradiomics)),
    "SimpleITK, scikit-image, mirp": ("mirp", partial(plain, measure=by_mirp)),
}
"""The module that each needs, and the way."""


def child(way: str, source: str, out: str) -> None:
    """One run in this process, from its start."""
    clock: Clock = [("start", time.process_time())]
    WAYS[way][1](Path(source), Path(out), clock)
    told(cpu_s=time.process_time(), stages={name: round(end - begun, 3) for (_, begun), (name, end) in zip(clock, clock[1:], strict=False)})


def scan(folder: Path) -> tuple[Path, str]:
    """The file, and in words what it is."""
    real = DATA / "heads" / "cranium_ct" / "cranium_ct.nii.gz"
    if real.exists():
        return real, "a real head CT (256x256x108)"
    from diaphane.ops.nifti import write_nifti
    from diaphane.simulate.head import head_phantom

    image = head_phantom(np.random.default_rng(0), 1.0).image
    write_nifti(folder / "made.nii.gz", image.array, image.geometry)
    return folder / "made.nii.gz", f"a made head ({'x'.join(map(str, image.shape))})"


def agreement(folders: dict[str, Path]) -> str:
    """Dice of skin and bone between ours and the plain chain: that they do the same."""
    from diaphane.ops.nifti import read_nifti
    from diaphane.ops.overlap import dice

    own = read_nifti(next((folders["ours"] / "segmentation").glob("*.nii.gz")))[0]
    other = next((read_nifti(out / "labels.nii.gz")[0] for way, out in folders.items() if not way.startswith("ours")), None)
    return "" if other is None else f"Dice between ours and the plain chain: head {dice(own > 0, other > 0):.3f}, bone {dice(own == 2, other == 2):.3f}."


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, without pyradiomics and mirp")
    quick = parser.parse_args().quick
    here = {way: run for way, (module, run) in WAYS.items() if util.find_spec(module) and not (quick and module in ("radiomics", "mirp"))}
    seen: dict[str, list[dict[str, Any]]] = {way: [] for way in here}
    with tempfile.TemporaryDirectory() as folder:
        source, words = scan(Path(folder))
        for n in range(1 if quick else 3):
            outs = {way: Path(folder) / f"{n}-{place}" for place, way in enumerate(here)}
            for way, out in outs.items():
                out.mkdir()
                begun = time.perf_counter()
                seen[way].append(alone(__file__, way, source, out) | {"wall_s": time.perf_counter() - begun})
        same = agreement(outs)
    say(f"Of {words}, on {machine('SimpleITK', 'scikit-image', 'pyradiomics', 'mirp')}; one thread, whole processes, medians. {same}\n")
    say("| chain | CPU s | wall s | MB at the peak | ours is faster | our share of its memory |\n| --- | --- | --- | --- | --- | --- |")
    middle = {way: {key: float(np.median([one[key] for one in runs])) for key in ("cpu_s", "wall_s", "peak_mb")} for way, runs in seen.items()}
    for way in WAYS:
        if way not in middle:
            say(f"| {way} | not run | | | | |")
            continue
        one, own = middle[way], middle["ours"]
        ratios = "| |" if way.startswith("ours") else f"| {one['cpu_s'] / own['cpu_s']:.1f}x | {own['peak_mb'] / one['peak_mb']:.2f} |"
        say(f"| {way} | {one['cpu_s']:.1f} | {one['wall_s']:.1f} | {one['peak_mb']:.0f} {ratios}")
    stages = list(dict.fromkeys(name for runs in seen.values() for name in runs[0]["stages"]))
    say(f"\n| CPU s of | {' | '.join(stages)} |\n| --- {'| --- ' * len(stages)}|")
    for way, runs in seen.items():
        times = [float(np.median([one["stages"].get(name, 0.0) for one in runs])) for name in stages]
        say(f"| {way} | {' | '.join(f'{t:.2f}' for t in times)} |")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(*sys.argv[1:])
    else:
        main()
