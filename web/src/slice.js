// The cutting plane with the scan's slice on it, in any direction: voxels come from a 3-D texture, grey values through a table of 256.

import { Box3, Data3DTexture, DataTexture, DoubleSide, GLSL3, LinearFilter, Matrix4, Mesh, NearestFilter, Plane, PlaneGeometry, RedFormat, ShaderMaterial, Vector3 } from "three";

/** The plane's normal in the scene (x: left, y: head, z: front), and what grows along it. */
export const FACINGS = {
  axial: { normal: new Vector3(0, 1, 0), up: new Vector3(0, 0, 1), low: "foot", high: "head" },
  coronal: { normal: new Vector3(0, 0, 1), up: new Vector3(0, 1, 0), low: "back", high: "front" },
  sagittal: { normal: new Vector3(1, 0, 0), up: new Vector3(0, 1, 0), low: "right", high: "left" },
};

const VERTEX = `
uniform mat4 toTexture;
out vec3 place;
void main() {
  place = (toTexture * vec4(position, 1.0)).xyz;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;
const OUTSIDE = 255; // among the labels: the air around the body
const FRAGMENT = `
#define OUTSIDE 255
precision highp sampler3D;
uniform sampler3D codes, labels;
uniform sampler2D ramp, palette;
uniform float tint;
uniform vec3 frame;
in vec3 place;
out vec4 colour;
void main() {
  vec3 inside = min(place, 1.0 - place);
  vec3 within = inside / max(fwidth(place), vec3(1e-6)); // in pixels
  if (min(inside.x, min(inside.y, inside.z)) < 0.0) discard;
  float grey = texture(ramp, vec2((texture(codes, place).r * 255.0 + 0.5) / 256.0, 0.5)).r;
  int label = int(texture(labels, place).r * 255.0 + 0.5);
  vec4 shade = texelFetch(palette, ivec2(label, 0), 0);
  float edge = 1.0 - smoothstep(1.5, 2.5, min(within.x, min(within.y, within.z)));
  if (label == OUTSIDE && edge < 0.5) discard; // the air around the body hides nothing
  colour = vec4(mix(mix(vec3(grey), shade.rgb, shade.a * tint), frame, edge), 1.0);
}`;

export class Slice extends Mesh {
  constructor(state, volume) {
    const box = new Box3(new Vector3(0, 0, 0), new Vector3(1, 1, 1)).applyMatrix4(volume.fromTexture);
    const side = box.getSize(new Vector3()).length();
    const ramp = new DataTexture(new Uint8Array(256), 256, 1, RedFormat);
    ramp.magFilter = ramp.minFilter = LinearFilter;
    const palette = new DataTexture(new Uint8Array(256 * 4), 256, 1);
    const uniforms = {
      codes: { value: texture3D(volume.codes, volume.shape, LinearFilter) },
      labels: { value: texture3D(volume.labels, volume.shape, NearestFilter) },
      ramp: { value: ramp }, palette: { value: palette }, tint: { value: 0 }, frame: { value: new Vector3(0.36, 0.78, 1) }, toTexture: { value: new Matrix4() },
    };
    super(new PlaneGeometry(side, side), new ShaderMaterial({ vertexShader: VERTEX, fragmentShader: FRAGMENT, uniforms, side: DoubleSide, glslVersion: GLSL3 }));
    this.name = "slice";
    this.box = box;
    this.side = side;
    this.centre = box.getCenter(new Vector3());
    this.volume = volume;
    this.toTexture = volume.fromTexture.clone().invert();
    this.plane = new Plane();
    this.state = state;
    this.face("axial");
    state.onChange(() => this.show());
  }

  /** Turn to one of FACINGS, through the middle of the scan. */
  face(name) {
    const { normal, up } = FACINGS[name];
    const across = new Vector3().crossVectors(up, normal);
    this.quaternion.setFromRotationMatrix(new Matrix4().makeBasis(across, up, normal));
    this.position.copy(this.centre);
    this.updateMatrix();
  }

  get normal() {
    return new Vector3(0, 0, 1).applyQuaternion(this.quaternion);
  }

  /** mm along the normal, from the scan's middle. */
  get offset() {
    return 1000 * this.normal.dot(this.position.clone().sub(this.centre));
  }

  set offset(mm) {
    const normal = this.normal;
    this.position.addScaledVector(normal, mm / 1000 - normal.dot(this.position.clone().sub(this.centre)));
    this.updateMatrix();
  }

  /** How far the offset can go either way before the plane leaves the scan. */
  get reach() {
    const { x, y, z } = this.normal;
    const half = this.box.getSize(new Vector3()).multiplyScalar(500);
    return Math.abs(x) * half.x + Math.abs(y) * half.y + Math.abs(z) * half.z;
  }

  /** Whether a point of the plane, in the scene before it is placed, lies within the scan and is drawn. */
  holds(point) {
    const place = point.clone().applyMatrix4(this.toTexture);
    const { shape, labels } = this.volume;
    const [i, j, k] = [place.x * shape[2], place.y * shape[1], place.z * shape[0]].map(Math.floor);
    const inside = i >= 0 && j >= 0 && k >= 0 && i < shape[2] && j < shape[1] && k < shape[0];
    return inside && labels[(k * shape[1] + j) * shape[2] + i] !== OUTSIDE;
  }

  /** The plane that cuts the structures, in the world; what lies on its negative side is cut away. */
  aim(cut) {
    this.updateMatrix();
    this.material.uniforms.toTexture.value.multiplyMatrices(this.toTexture, this.matrix);
    this.plane.setFromNormalAndCoplanarPoint(this.normal.multiplyScalar(cut > 0 ? -1 : 1), this.position);
    if (this.parent) this.plane.applyMatrix4(this.parent.matrixWorld);
  }

  show() {
    const { uniforms } = this.material;
    const { slice, window, structures } = this.state;
    this.visible = slice.shown;
    uniforms.tint.value = slice.tint;
    const [low, high] = window;
    const ramp = uniforms.ramp.value;
    ramp.image.data.set(this.volume.values.map((value) => Math.max(0, Math.min(255, Math.round((255 * (value - low)) / (high - low))))));
    ramp.needsUpdate = true;
    const palette = uniforms.palette.value;
    structures.slice(0, OUTSIDE - 1).forEach((one, n) => palette.image.data.set([...bytes(one.colour), one.visible ? 255 : 0], 4 * (n + 1)));
    palette.needsUpdate = true;
  }
}

function texture3D(data, [nk, nj, ni], filter) {
  const made = new Data3DTexture(data, ni, nj, nk);
  made.format = RedFormat;
  made.minFilter = made.magFilter = filter;
  made.unpackAlignment = 1;
  made.needsUpdate = true;
  return made;
}

function bytes(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}
