// The same scene in a headset or in the room: life-size, turned by hand, the plane moved by a controller. Source: W3C WebXR Device API.

import { BufferGeometry, Color, GridHelper, Group, Line, LineBasicMaterial, Matrix4, Raycaster, Vector3 } from "three";
import { Board } from "./board.js";
import { make } from "./dom.js";

const MODES = { "immersive-vr": "Enter VR", "immersive-ar": "Place in the room" };
const NEAR_M = 0.45; // from the eyes to the nearest part of the scan
const BELOW_M = 0.12;
const BOARD_M = 0.85;
const RAY_M = 1.5;
const TURN = 1.6; // radians a second, and metres a second, of a thumbstick pushed to its end
const DEAD = 0.15;

/** A button for each kind of session that there is here; else a word why there is none. */
export async function offerImmersive(view) {
  const tools = document.getElementById("tools");
  const absent = (text) => document.getElementById("title").append(make("p", { className: "absent", textContent: text }));
  if (!window.isSecureContext) return absent("VR and AR need https or localhost: see docs/view.md.");
  if (!navigator.xr) return absent("No VR here: this browser has no WebXR.");
  const immersive = new Immersive(view);
  view.immersive = immersive;
  const modes = Object.keys(MODES);
  const supported = await Promise.all(modes.map((mode) => navigator.xr.isSessionSupported(mode).catch(() => false)));
  const offered = modes.filter((mode, n) => supported[n]);
  for (const mode of offered) tools.append(make("button", { type: "button", id: mode, onclick: () => immersive.enter(mode).catch((problem) => absent(problem.message)) }, MODES[mode]));
  if (!offered.length) absent("No headset here for VR or AR.");
}

class Immersive {
  constructor(view) {
    this.view = view;
    this.hands = [0, 1].map((n) => new Hand(this, view.renderer.xr.getController(n)));
    this.board = null;
    this.floor = new Group();
    this.frames = 0;
    this.ray = new Raycaster();
  }

  async enter(mode) {
    const { renderer, scene, state, slice } = this.view;
    const session = await navigator.xr.requestSession(mode, { optionalFeatures: ["local-floor", "hand-tracking"] });
    this.session = session;
    renderer.xr.setReferenceSpaceType(session.enabledFeatures?.includes("local-floor") ? "local-floor" : "local");
    renderer.xr.setFramebufferScaleFactor(1);
    await renderer.xr.setSession(session);
    if (mode === "immersive-vr") this.surround(session.enabledFeatures?.includes("local-floor"));
    const cutting = slice ? [
      { text: "slice of the scan", on: () => state.slice.shown, press: () => { state.slice.shown = !state.slice.shown; } },
      { text: "cut open", on: () => state.slice.cut !== 0, press: () => { state.slice.cut = [1, -1, 0][[0, 1, -1].indexOf(state.slice.cut)]; } },
    ] : [];
    this.board = new Board(state, [...cutting, { text: "back to its place", press: () => { this.placed = false; } }, { text: "leave", press: () => session.end() }]);
    scene.add(this.board, ...this.hands.map((hand) => hand.controller));
    this.placed = false;
    this.time = null;
    session.addEventListener("end", () => this.leave());
    renderer.setAnimationLoop((time, frame) => this.frame(time, frame));
    document.body.dataset.immersive = mode;
  }

  /** A dark room, and a floor to stand on where its height is known. */
  surround(floor) {
    this.view.scene.background = new Color(0x14232f);
    if (!floor) return;
    this.floor = new GridHelper(8, 16, 0x3d5a70, 0x233a4c);
    this.view.scene.add(this.floor);
  }

  leave() {
    const { renderer, scene, placed, desk, state } = this.view;
    renderer.setAnimationLoop(null);
    scene.background = null;
    scene.remove(this.floor, this.board, ...this.hands.map((hand) => hand.controller));
    this.hands.forEach((hand) => hand.drop());
    this.board.geometry.dispose();
    this.board = null;
    placed.position.set(0, 0, 0);
    placed.quaternion.identity();
    delete document.body.dataset.immersive;
    state.change(() => {}); // the panel tells where the plane was left
    desk.fit();
  }

  frame(time, frame) {
    this.frames += 1;
    const { renderer, scene, desk, aim } = this.view;
    const pose = frame?.getViewerPose(renderer.xr.getReferenceSpace());
    if (pose && !this.placed) this.place(new Matrix4().fromArray(pose.transform.matrix));
    const seconds = this.time === null ? 0 : Math.min(0.1, (time - this.time) / 1000);
    this.time = time;
    this.hands.forEach((hand) => hand.follow(seconds));
    const pointed = this.hands.map((hand) => hand.aimedAt(this.board)).find((hit) => hit);
    this.board.point(pointed?.uv ?? null);
    aim();
    renderer.render(scene, desk.camera);
  }

  /** Life-size before the viewer, face to face; the board at their left. */
  place(viewer) {
    const { placed, box } = this.view;
    const eyes = new Vector3().setFromMatrixPosition(viewer);
    const ahead = new Vector3(0, 0, -1).transformDirection(viewer).setY(0);
    if (ahead.lengthSq() < 1e-6) ahead.set(0, 0, -1);
    ahead.normalize();
    const size = box.getSize(new Vector3());
    const yaw = Math.atan2(-ahead.x, -ahead.z);
    const away = NEAR_M + Math.max(size.x, size.z) / 2;
    const middle = eyes.clone().addScaledVector(ahead, away);
    middle.y -= BELOW_M;
    placed.rotation.set(0, yaw, 0);
    placed.position.copy(middle).sub(box.getCenter(new Vector3()).applyQuaternion(placed.quaternion));
    const beside = ahead.clone().applyAxisAngle(new Vector3(0, 1, 0), Math.atan2(size.x / 2, away) + 0.27).multiplyScalar(BOARD_M);
    this.board.position.copy(eyes).add(beside);
    this.board.position.y -= 0.1;
    this.board.lookAt(eyes);
    this.placed = true;
  }
}

/** A controller, a hand that pinches, or a finger on a phone's screen. */
class Hand {
  constructor(immersive, controller) {
    this.immersive = immersive;
    this.controller = controller;
    this.held = null;
    this.source = null;
    this.line = new Line(new BufferGeometry().setFromPoints([new Vector3(), new Vector3(0, 0, -RAY_M)]), new LineBasicMaterial({ color: 0x9be3ff }));
    this.line.raycast = () => {};
    controller.add(this.line);
    controller.addEventListener("connected", ({ data }) => {
      this.source = data;
      this.line.visible = data.targetRayMode === "tracked-pointer";
    });
    controller.addEventListener("disconnected", () => {
      this.source = null;
      this.drop();
    });
    controller.addEventListener("selectstart", () => this.select());
    controller.addEventListener("squeezestart", () => this.hold(immersive.view.placed));
    for (const end of ["selectend", "squeezeend"]) controller.addEventListener(end, () => this.drop());
  }

  hits(targets) {
    const { ray } = this.immersive;
    this.controller.updateWorldMatrix(true, false);
    ray.set(new Vector3().setFromMatrixPosition(this.controller.matrixWorld), new Vector3(0, 0, -1).transformDirection(this.controller.matrixWorld));
    return ray.intersectObjects(targets, false);
  }

  aimedAt(board) {
    return this.source ? (this.hits([board])[0] ?? null) : null;
  }

  /** The board's row, else the plane or an opaque structure, else one seen through: what the viewer means. */
  select() {
    const { board, view } = this.immersive;
    const row = this.aimedAt(board);
    if (row) return board.press(row.uv);
    const { slice, model, placed, state } = view;
    const kept = ({ object, point }) => (object === slice ? slice.holds(placed.worldToLocal(point.clone())) : !object.material.clippingPlanes?.some((plane) => plane.distanceToPoint(point) < 0));
    const hit = model.meant((targets) => this.hits(targets), slice && state.slice.shown ? [slice] : [], kept);
    if (hit) this.hold(hit.object === slice ? slice : placed);
  }

  hold(object) {
    object.updateWorldMatrix(true, false);
    this.controller.updateWorldMatrix(true, false);
    this.held = { object, offset: this.controller.matrixWorld.clone().invert().multiply(object.matrixWorld) };
    const { slice, state } = this.immersive.view;
    if (object === slice) state.change(() => { state.slice.facing = "free"; });
  }

  drop() {
    this.held = null;
  }

  /** What is held moves with the hand; the thumbstick turns the scan and brings it nearer. */
  follow(seconds) {
    const { placed, box } = this.immersive.view;
    if (this.held) {
      const { object, offset } = this.held;
      this.controller.updateWorldMatrix(true, false);
      const local = object.parent.matrixWorld.clone().invert().multiply(this.controller.matrixWorld).multiply(offset);
      local.decompose(object.position, object.quaternion, new Vector3());
      return;
    }
    const [, , across = 0, along = 0] = this.source?.gamepad?.axes ?? [];
    const middle = placed.localToWorld(box.getCenter(new Vector3()));
    if (Math.abs(across) > DEAD) {
      placed.rotateOnWorldAxis(new Vector3(0, 1, 0), across * TURN * seconds);
      placed.position.add(middle.clone().sub(placed.localToWorld(box.getCenter(new Vector3())).clone()));
    }
    if (Math.abs(along) > DEAD) {
      const away = middle.sub(new Vector3().setFromMatrixPosition(this.controller.matrixWorld)).setY(0).normalize();
      placed.position.addScaledVector(away, -along * TURN * 0.3 * seconds);
    }
  }
}
