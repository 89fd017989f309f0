// The panel beside the view: structures, cutting plane, window, view.

import { VIEWS } from "./desk.js";
import { choice, make, range, tick } from "./dom.js";
import { FACINGS } from "./slice.js";

const WINDOWS = { HU: [["soft tissue", -160, 240], ["brain", 0, 80], ["bone", -500, 1300], ["lung", -1350, 150]] };

export function fillPanel(panel, { state, told, slice, desk }) {
  const body = make("div", { className: "body" });
  const fold = make("button", { className: "fold", type: "button", ariaExpanded: "true" }, "Structures and slice");
  fold.addEventListener("click", () => {
    const shut = panel.classList.toggle("shut");
    fold.ariaExpanded = String(!shut);
  });
  panel.append(fold, body);
  body.append(structures(state, told));
  if (slice) body.append(cutting(state, slice, desk), grey(state, told.volume));
  body.append(view(state, told, desk));
}

function section(title, ...children) {
  return make("section", {}, make("h2", { textContent: title }), ...children);
}

function structures(state, told) {
  const rows = state.structures.map((one) => structure(state, one));
  const all = (visible) => () => state.change(() => state.structures.forEach((one) => { one.visible = visible; }));
  const buttons = make("div", { className: "buttons" }, make("button", { type: "button", onclick: all(true) }, "Show all"), make("button", { type: "button", onclick: all(false) }, "Hide all"));
  const none = make("p", { className: "small", textContent: "No structure was found in this scan: there is only the slice to see." });
  const left = told.leftOut.length ? [make("p", { className: "small", textContent: `Too small to draw: ${told.leftOut.join(", ")}.` })] : [];
  return section("Structures", ...(rows.length ? [make("ul", {}, ...rows)] : [none]), ...(rows.length > 2 ? [buttons] : []), ...left);
}

function structure(state, one) {
  const shown = tick(one.node, one.visible, (on) => state.change(() => { one.visible = on; }));
  const opacity = make("input", {
    type: "range", min: 0.05, max: 1, step: 0.05, value: one.opacity, title: "how opaque", "aria-label": `how opaque: ${one.node}`,
    oninput: () => state.change(() => { one.opacity = Number(opacity.value); }),
  });
  const key = make("i", { className: "key" });
  key.style.background = one.colour;
  shown.row.insertBefore(key, shown.input.nextSibling);
  shown.row.title = `${one.node}: ${one.volume_ml.toLocaleString("en")} ml of its own voxels`;
  state.onChange(() => {
    shown.input.checked = one.visible;
    opacity.value = one.opacity;
    opacity.disabled = !one.visible;
  });
  return make("li", {}, shown.row, make("span", { className: "ml", textContent: millilitres(one.volume_ml) }), opacity);
}

function millilitres(ml) {
  return `${ml >= 100 ? Math.round(ml).toLocaleString("en").replaceAll(",", "\u202f") : ml.toPrecision(2)} ml`;
}

function cutting(state, slice, desk) {
  const shown = tick("Slice of the scan", state.slice.shown, (on) => state.change(() => { state.slice.shown = on; }));
  const [facing, select] = choice("Plane", [...Object.keys(FACINGS).map((name) => [name, name]), ["free", "free"]], state.slice.facing, (name) => {
    state.change(() => {
      state.slice.facing = name;
      if (name in FACINGS) slice.face(name);
    });
  });
  select.lastElementChild.hidden = true; // only a headset's hand turns it freely
  const place = range("Place", [-1, 1], 0, (mm) => state.change(() => { slice.offset = mm; }));
  const [cut, cutSelect] = choice("Cut", [["0", "nothing"], ["1", ""], ["-1", ""]], "0", (side) => state.change(() => { state.slice.cut = Number(side); }));
  const tint = range("Colours", [0, 1, 0.05], state.slice.tint, (value) => state.change(() => { state.slice.tint = value; }));
  state.onChange(() => {
    shown.input.checked = state.slice.shown;
    select.value = state.slice.facing;
    const { low, high } = FACINGS[state.slice.facing] ?? { low: "one", high: "other" };
    place.input.min = -slice.reach;
    place.input.max = slice.reach;
    place.input.value = slice.offset;
    place.told.textContent = state.slice.facing === "free" ? `${slice.offset.toFixed(0)} mm` : `${Math.abs(slice.offset).toFixed(0)} mm to ${slice.offset < 0 ? low : high}`;
    cutSelect.options[1].textContent = `away the ${high} side`;
    cutSelect.options[2].textContent = `away the ${low} side`;
    cutSelect.value = String(state.slice.cut);
    tint.told.textContent = `${Math.round(100 * state.slice.tint)} %`;
  });
  return section("Cutting plane", shown.row, facing, place.row, cut, tint.row);
}

function grey(state, volume) {
  const [low, high] = [volume.values[0], volume.values[255]];
  const unit = volume.unit ? ` ${volume.unit}` : "";
  const set = (window) => state.change(() => { state.window = window; });
  const middle = () => (state.window[0] + state.window[1]) / 2;
  const width = () => state.window[1] - state.window[0];
  const level = range("Level", [low, high], 0, (value) => set([value - width() / 2, value + width() / 2]));
  const wide = range("Width", [(high - low) / 500, high - low], 0, (value) => set([middle() - value / 2, middle() + value / 2]));
  const presets = [["as in the report", ...volume.window], ...(WINDOWS[volume.unit] ?? []).slice(1)];
  const buttons = presets.map(([name, ...window]) => make("button", { type: "button", onclick: () => set(window) }, name));
  const digits = high - low > 20 ? 0 : 2;
  state.onChange(() => {
    level.input.value = middle();
    wide.input.value = width();
    level.told.textContent = middle().toFixed(digits) + unit;
    wide.told.textContent = width().toFixed(digits) + unit;
  });
  return section("Grey window", level.row, wide.row, make("div", { className: "buttons" }, ...buttons));
}

function view(state, told, desk) {
  const buttons = Object.keys(VIEWS).map((name) => make("button", { type: "button", onclick: () => desk.look(name) }, name));
  const ticks = [tick("Patient's directions (R L A P H F)", state.letters, (on) => state.change(() => { state.letters = on; }))];
  if (told.findings.length) ticks.push(tick("Findings", state.findings, (on) => state.change(() => { state.findings = on; })));
  return section("Look from", make("div", { className: "buttons" }, ...buttons), ...ticks.map((one) => one.row));
}
