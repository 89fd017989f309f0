// Words in space: findings at their places, the patient's directions, lengths of the ruler.

import { CanvasTexture, Group, SRGBColorSpace, Sprite, SpriteMaterial, Vector3 } from "three";

const FONT = 34;
const INK = { plain: "#ffffff", finding: "#ffe9a8", ruler: "#9be3ff", letter: "#b9cbd8" };

/** A word that always faces the viewer; `share` of the picture's height, whatever the distance. */
export function word(text, kind, share = 0.024) {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const font = `600 ${FONT}px system-ui, "Segoe UI", Arial, sans-serif`;
  pen.font = font;
  const width = Math.ceil(pen.measureText(text).width) + FONT;
  canvas.width = width;
  canvas.height = Math.ceil(1.5 * FONT);
  pen.font = font;
  pen.textBaseline = "middle";
  if (kind !== "letter") {
    pen.fillStyle = "rgba(8, 18, 27, 0.82)";
    pen.beginPath();
    pen.roundRect(0, 0, width, canvas.height, FONT / 3);
    pen.fill();
  }
  pen.fillStyle = INK[kind];
  pen.fillText(text, FONT / 2, canvas.height / 2 + 1);
  const map = new CanvasTexture(canvas);
  map.colorSpace = SRGBColorSpace;
  const sprite = new Sprite(new SpriteMaterial({ map, depthTest: false, depthWrite: false, transparent: true, sizeAttenuation: false, toneMapped: false }));
  sprite.scale.set((share * width) / canvas.height, share, 1);
  sprite.renderOrder = 1e5;
  sprite.raycast = () => {};
  return sprite;
}

/** A dot that is seen through everything. */
export function dot(position, colour, share = 0.012) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const pen = canvas.getContext("2d");
  pen.arc(16, 16, 12, 0, 7);
  pen.fillStyle = colour;
  pen.fill();
  pen.lineWidth = 4;
  pen.strokeStyle = "#08121b";
  pen.stroke();
  const sprite = new Sprite(new SpriteMaterial({ map: new CanvasTexture(canvas), depthTest: false, depthWrite: false, transparent: true, sizeAttenuation: false, toneMapped: false }));
  sprite.material.map.colorSpace = SRGBColorSpace;
  sprite.scale.setScalar(share);
  sprite.position.copy(position);
  sprite.renderOrder = 1e5 - 1;
  sprite.raycast = () => {};
  return sprite;
}

/** The findings: a dot and a label each. */
export function findings(state, told, toScene) {
  const group = new Group();
  for (const one of told.findings) {
    const place = new Vector3(...one.centroid_mm).applyMatrix4(toScene);
    const sure = one.probability === null ? "" : ` ${Math.round(100 * one.probability)} %`;
    const label = word(`${one.id}  ${one.label}${sure}`, "finding");
    label.position.copy(place);
    label.center.set(-0.08, -0.25); // beside the dot
    group.add(dot(place, "#ffd35c"), label);
  }
  state.onChange(() => { group.visible = state.findings; });
  return group;
}

/** R, L, A, P, H, F around what there is. */
export function letters(state, box) {
  const group = new Group();
  const centre = box.getCenter(new Vector3());
  const half = box.getSize(new Vector3()).multiplyScalar(0.5).addScalar(0.02);
  for (const [text, x, y, z] of [["L", 1, 0, 0], ["R", -1, 0, 0], ["H", 0, 1, 0], ["F", 0, -1, 0], ["A", 0, 0, 1], ["P", 0, 0, -1]]) {
    const letter = word(text, "letter", 0.03);
    letter.position.set(x, y, z).multiply(half).add(centre);
    group.add(letter);
  }
  state.onChange(() => { group.visible = state.letters; });
  group.userData.face = (camera) => face(group, centre, camera);
  return group;
}

/** A letter that lies before or behind what there is, as seen from here, is in the way. */
function face(group, centre, camera) {
  const towards = camera.getWorldPosition(new Vector3()).sub(group.localToWorld(centre.clone())).normalize();
  const middle = group.localToWorld(centre.clone());
  for (const letter of group.children) {
    const away = letter.getWorldPosition(new Vector3()).sub(middle).normalize();
    letter.material.opacity = Math.max(0, Math.min(1, (0.82 - Math.abs(away.dot(towards))) * 6));
  }
}
