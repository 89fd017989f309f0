// Reads the binary glTF that diaphane writes: one primitive a mesh, positions, normals and indices.

const TYPES = { 5126: Float32Array, 5125: Uint32Array, 5123: Uint16Array };
const WIDTHS = { SCALAR: 1, VEC3: 3 };

/** name → { positions, normals, index } of every node with a mesh. */
export function readGlb(buffer) {
  const header = new DataView(buffer);
  const length = header.getUint32(12, true);
  const tree = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
  const start = 28 + length;

  function values(number) {
    const accessor = tree.accessors[number];
    const view = tree.bufferViews[accessor.bufferView];
    return new TYPES[accessor.componentType](buffer, start + view.byteOffset, accessor.count * WIDTHS[accessor.type]);
  }

  return new Map(
    tree.nodes
      .filter((node) => node.mesh !== undefined)
      .map((node) => {
        const [primitive] = tree.meshes[node.mesh].primitives;
        const { POSITION, NORMAL } = primitive.attributes;
        return [node.name, { positions: values(POSITION), normals: values(NORMAL), index: values(primitive.indices) }];
      }),
  );
}
