// The page: opens the case, builds the scene, and ties view, panel and headset together.

import { Box3, DirectionalLight, Group, HemisphereLight, Scene, WebGLRenderer } from "three";
import { metres, opened } from "./case.js";
import { Desk } from "./desk.js";
import { make } from "./dom.js";
import { offerImmersive } from "./immersive.js";
import { findings, letters } from "./marks.js";
import { Model } from "./model.js";
import { fillPanel } from "./panel.js";
import { Ruler } from "./ruler.js";
import { Slice } from "./slice.js";
import { State } from "./state.js";

const told = window.diaphaneCase;

/** What is drawn, for other scripts: `diaphanePage.view` once it is on screen. */
export let view = null;

function refuse(text) {
  const link = (href, words) => make("a", { href, textContent: words });
  const message = document.getElementById("message");
  message.replaceChildren(
    make("h2", { textContent: "This cannot be drawn here" }), make("p", { textContent: text }),
    make("p", {}, "The same result is in the ", link(told?.report ?? "../report.html", "report"), "; these are its slices:"),
    make("img", { src: told?.picture ?? "../overlay.png", alt: "Slices of the scan with its structures" }),
  );
  message.hidden = false;
  document.body.classList.add("refused");
}

function rendererOf(canvas) {
  const context = canvas.getContext("webgl2", { antialias: true, alpha: true, powerPreference: "high-performance", xrCompatible: false });
  if (!context) return null;
  const renderer = new WebGLRenderer({ canvas, context, antialias: true, alpha: true });
  renderer.localClippingEnabled = true;
  renderer.xr.enabled = true;
  return renderer;
}

function title() {
  document.title = `${told.name}: walk around it`;
  document.querySelector("#title h1").textContent = told.name;
  const link = make("a", { href: told.report, textContent: "report" });
  document.querySelector("#title p").append(told.modality ? `${told.modality} · ` : "", link);
}

function lights(scene, camera) {
  const key = new DirectionalLight(0xffffff, 2.0);
  key.position.set(-0.6, 0.9, 1); // over the viewer's left shoulder, wherever they look from
  camera.add(key, key.target);
  key.target.position.set(0, 0, -1);
  scene.add(new HemisphereLight(0xf6f9ff, 0x77828e, 1.9), camera);
}

function tools({ state, ruler, desk }) {
  const hint = document.getElementById("hint");
  const say = (text) => {
    hint.textContent = text;
    hint.hidden = !text;
  };
  const measure = make("button", { type: "button", id: "ruler", ariaPressed: "false", title: "two points, and the millimetres between them" }, "Ruler");
  measure.addEventListener("click", () => {
    state.change(() => { state.ruler = !state.ruler; });
    measure.ariaPressed = String(state.ruler);
    ruler.clear();
    say(state.ruler ? "Tap two points of a surface or of the slice." : "");
    desk.draw();
  });
  document.getElementById("tools").append(measure);
  return say;
}

async function start() {
  const canvas = document.getElementById("view");
  const opening = opened(told); // unpacked beside, while the graphics driver starts
  opening.catch(() => {});
  const renderer = rendererOf(canvas);
  if (!renderer) return refuse("This browser offers no WebGL 2, with which the page draws: switch on hardware acceleration, or take a newer browser.");
  const { meshes, volume } = await opening;
  title();
  const state = new State(told);
  const scene = new Scene();
  const placed = new Group(); // a headset moves it; on a screen it lies where the scan says
  scene.add(placed);
  const slice = volume && new Slice(state, volume);
  const model = new Model(state, meshes, slice ? [slice.plane] : []);
  if (slice) placed.add(slice);
  placed.add(model);
  const box = model.bodies.length ? new Box3().setFromObject(model, false) : (slice?.box ?? new Box3());
  const ruler = new Ruler();
  const directions = letters(state, box);
  const found = findings(state, told, metres(told.toMetres));
  placed.add(found, directions, ruler);

  const desk = new Desk(renderer, scene, box);
  const aim = () => {
    placed.updateMatrixWorld();
    slice?.aim(state.slice.cut);
    directions.userData.face(renderer.xr.isPresenting ? renderer.xr.getCamera() : desk.camera);
  };
  desk.onDraw(aim);
  lights(scene, desk.camera);
  const say = tools({ state, ruler, desk });
  const kept = ({ object, point }) => {
    if (object === slice) return slice.holds(placed.worldToLocal(point.clone()));
    return !object.material.clippingPlanes?.some((plane) => plane.distanceToPoint(point) < 0);
  };
  desk.onTap((event) => {
    if (!state.ruler) return;
    const hit = model.meant((targets) => desk.hits(event, targets), state.slice.shown && slice ? [slice] : [], kept);
    if (!hit) return;
    const mm = ruler.take(placed.worldToLocal(hit.point.clone()));
    say(mm === null ? "Now the second point." : `${mm.toFixed(1)} mm`);
    desk.draw();
  });
  fillPanel(document.getElementById("panel"), { state, told, slice, desk });
  state.onChange(() => desk.draw());
  canvas.addEventListener("webglcontextlost", () => refuse("The graphics driver gave up the picture: load the page again."));
  desk.render();
  performance.mark("shown");
  document.body.dataset.shown = Math.round(performance.now());
  view = { renderer, scene, placed, model, slice, findings: found, ruler, box, state, desk, aim };
  await offerImmersive(view);
}

start().catch((problem) => refuse(problem.message));
