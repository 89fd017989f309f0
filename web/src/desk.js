// The view on a screen: camera, mouse and touch, what a click hits, the bar of scale. It draws when something changed, not all the time.

import { PerspectiveCamera, Raycaster, Vector2, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const FOV = 32;
const BAR_PX = 130;
export const VIEWS = {
  front: [0.45, 0.3, 1], back: [-0.45, 0.3, -1], left: [1, 0.2, 0.3], right: [-1, 0.2, 0.3], head: [0, 1, 0.001], feet: [0, -1, 0.001],
};

export class Desk {
  constructor(renderer, scene, box) {
    this.renderer = renderer;
    this.scene = scene;
    this.box = box;
    this.camera = new PerspectiveCamera(FOV, 1, 0.01, 20);
    this.controls = new OrbitControls(this.camera, renderer.domElement);
    this.controls.enableDamping = false;
    this.controls.zoomToCursor = true;
    this.controls.addEventListener("change", () => this.draw());
    this.ray = new Raycaster();
    this.before = [];
    this.asked = false;
    new ResizeObserver(() => this.fit()).observe(renderer.domElement.parentElement);
    this.fit();
    this.look("front");
  }

  /** Call `work` before each picture. */
  onDraw(work) {
    this.before.push(work);
  }

  draw() {
    if (this.asked || this.renderer.xr.isPresenting) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.render();
    });
  }

  render() {
    this.before.forEach((work) => work());
    this.renderer.render(this.scene, this.camera);
    this.bar();
  }

  fit() {
    if (this.renderer.xr.isPresenting) return;
    const { clientWidth, clientHeight } = this.renderer.domElement.parentElement;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / Math.max(1, clientHeight);
    this.camera.updateProjectionMatrix();
    if (this.facing) this.look(this.facing);
    this.draw();
  }

  /** From one of VIEWS, everything in sight. */
  look(name) {
    const radius = this.box.getSize(new Vector3()).length() / 2;
    const narrow = Math.min(1, this.camera.aspect);
    const distance = (0.95 * radius) / Math.sin(Math.atan(Math.tan((FOV * Math.PI) / 360) * narrow));
    this.box.getCenter(this.controls.target);
    this.camera.position.set(...VIEWS[name]).setLength(distance).add(this.controls.target);
    this.camera.near = distance / 200;
    this.camera.far = distance * 20;
    this.camera.updateProjectionMatrix();
    this.controls.minDistance = radius / 20;
    this.controls.maxDistance = distance * 6;
    this.controls.update();
    this.facing = name;
    this.draw();
  }

  /** The points of `targets` under a pointer event, the nearest first. */
  hits(event, targets) {
    const { left, top, width, height } = this.renderer.domElement.getBoundingClientRect();
    this.ray.setFromCamera(new Vector2((2 * (event.clientX - left)) / width - 1, 1 - (2 * (event.clientY - top)) / height), this.camera);
    return this.ray.intersectObjects(targets, false);
  }

  /** Call `work` for a click or tap: a press that did not become a drag. */
  onTap(work) {
    let pressed = null;
    const canvas = this.renderer.domElement;
    canvas.addEventListener("pointerdown", (event) => { pressed = event.isPrimary ? event : null; });
    canvas.addEventListener("pointermove", (event) => {
      if (pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) > 6) {
        pressed = null;
        this.facing = null; // the viewer's own place is kept when the window changes
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      if (pressed && event.isPrimary) work(event);
      pressed = null;
    });
  }

  /** A bar of round length, true at the distance of what the camera turns around. */
  bar() {
    const distance = this.camera.position.distanceTo(this.controls.target);
    const perPx = (2000 * distance * Math.tan((FOV * Math.PI) / 360)) / this.renderer.domElement.clientHeight;
    const power = 10 ** Math.floor(Math.log10(BAR_PX * perPx));
    const mm = [5, 2, 1].map((n) => n * power).find((n) => n <= BAR_PX * perPx);
    const bar = document.getElementById("scale");
    bar.hidden = false;
    bar.firstElementChild.style.width = `${mm / perPx}px`;
    bar.lastElementChild.textContent = mm >= 1 ? `${mm} mm` : `${mm.toPrecision(1)} mm`;
  }
}
