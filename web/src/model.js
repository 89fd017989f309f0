// The structures as meshes: opaque ones, and ones to be looked through like glass, cut open by a plane.

import { BufferAttribute, BufferGeometry, Color, DoubleSide, FrontSide, Group, Mesh, MeshBasicMaterial, MeshPhongMaterial, SRGBColorSpace } from "three";

/** Glass is denser where it is seen at a slant, so that its outline shows. */
function asGlass(shader) {
  shader.fragmentShader = shader.fragmentShader.replace(
    "#include <opaque_fragment>",
    `float slant = 1.0 - abs(dot(normalize(vViewPosition), normal));
     diffuseColor.a = diffuseColor.a < 0.999 ? mix(diffuseColor.a, 1.0, 0.6 * slant * slant * slant) : 1.0;
     #include <opaque_fragment>`,
  );
}

export class Model extends Group {
  /** `meshes`: node → arrays; `planes`: the clipping planes while it is cut open. */
  constructor(state, meshes, planes) {
    super();
    this.planes = planes;
    this.bodies = state.structures.filter((one) => meshes.has(one.node)).map((one) => new Body(one, meshes.get(one.node)));
    const bySize = [...this.bodies].sort((a, b) => a.radius - b.radius);
    bySize.forEach((body, rank) => body.order(rank)); // what is inside is blended before what encloses it
    for (const body of this.bodies) this.add(body.depth, body.surface);
    state.onChange(() => this.bodies.forEach((body) => body.show(state.slice.cut !== 0 && state.slice.shown ? this.planes : [])));
  }

  /** What the viewer means of all that a ray hits, `hits(targets)`: the nearest that is not looked through, the slice among it; else the nearest. */
  meant(hits, others, keep) {
    const shown = this.bodies.filter((body) => body.surface.visible);
    const solid = shown.filter((body) => body.told.opacity >= 1).map((body) => body.surface);
    return hits([...solid, ...others]).find(keep) ?? hits(shown.map((body) => body.surface)).find(keep) ?? null;
  }
}

class Body {
  constructor(told, { positions, normals, index }) {
    this.told = told;
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(positions, 3));
    geometry.setAttribute("normal", new BufferAttribute(normals, 3));
    geometry.setIndex(new BufferAttribute(index, 1));
    geometry.computeBoundingSphere();
    this.radius = geometry.boundingSphere.radius;
    const color = new Color().setStyle(told.colour, SRGBColorSpace);
    const material = new MeshPhongMaterial({ color, specular: 0x222222, shininess: 28 });
    material.onBeforeCompile = asGlass;
    this.surface = new Mesh(geometry, material);
    this.surface.name = told.node;
    // Of glass only the nearest surface is drawn: its depth goes first.
    this.depth = new Mesh(geometry, new MeshBasicMaterial({ colorWrite: false, transparent: true, side: DoubleSide }));
    this.depth.raycast = () => {};
  }

  order(rank) {
    this.depth.renderOrder = 2 * rank;
    this.surface.renderOrder = 2 * rank + 1;
  }

  show(planes) {
    const { visible, opacity } = this.told;
    const glass = opacity < 1;
    const material = this.surface.material;
    this.surface.visible = visible && opacity > 0;
    this.depth.visible = this.surface.visible && glass;
    material.opacity = opacity;
    if (material.transparent !== glass || material.clippingPlanes?.length !== planes.length) {
      material.transparent = glass;
      material.depthWrite = !glass;
      material.side = planes.length || glass ? DoubleSide : FrontSide;
      material.forceSinglePass = true;
      material.clippingPlanes = this.depth.material.clippingPlanes = planes;
      material.needsUpdate = this.depth.material.needsUpdate = true;
    }
  }
}
