// What data.js holds, unpacked.

import { Matrix4 } from "three";
import { readGlb } from "./glb.js";

export const FORMAT = 1;

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** The case: what is told of it, its meshes by node, and its volume or null. */
export async function opened(told) {
  if (told === undefined) throw new Error("data.js is missing beside this page: copy the whole folder view/ of the case");
  if (told.format !== FORMAT) throw new Error(`data.js has format ${told.format}, this page reads ${FORMAT}: make the case anew`);
  const [scene, voxels] = await Promise.all([unpacked(told.scene), told.voxels ? unpacked(told.voxels) : null]);
  return { told, meshes: readGlb(scene), volume: voxels ? volumeOf(told, voxels) : null };
}

function volumeOf(told, bytes) {
  const { shape, affine, spacing_mm, values, window, unit } = told.volume;
  const count = shape[0] * shape[1] * shape[2];
  const codes = new Uint8Array(bytes, 0, count);
  const labels = new Uint8Array(bytes, count, count);
  return { shape, codes, labels, spacing: spacing_mm, values, window, unit, fromTexture: fromTexture(shape, affine, told.toMetres) };
}

/** Texture coordinates 0-1 (i, j, k) → metres of the scene. `affine`: index (k, j, i) → LPS mm, row-major. */
function fromTexture([nk, nj, ni], a, toMetres) {
  const index = new Matrix4().set(a[2], a[1], a[0], a[3], a[6], a[5], a[4], a[7], a[10], a[9], a[8], a[11], 0, 0, 0, 1);
  const edges = new Matrix4().makeTranslation(-0.5, -0.5, -0.5).scale({ x: ni, y: nj, z: nk });
  return metres(toMetres).multiply(index).multiply(edges);
}

/** LPS mm → metres of the scene. */
export function metres(m) {
  return new Matrix4().set(m[0], m[1], m[2], 0, m[3], m[4], m[5], 0, m[6], m[7], m[8], 0, 0, 0, 0, 1);
}
