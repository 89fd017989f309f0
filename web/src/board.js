// The panel of the headset: a board in space with a row a switch, which a controller's ray points at.

import { CanvasTexture, DoubleSide, Mesh, MeshBasicMaterial, PlaneGeometry, SRGBColorSpace, Vector3 } from "three";

const WIDTH_M = 0.4;
const WIDTH = 640;
const ROW = 64;
const STRUCTURES = 8; // on one page of the board

export class Board extends Mesh {
  constructor(state, actions) {
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH;
    const shown = Math.min(STRUCTURES, state.structures.length) + (state.structures.length > STRUCTURES) + actions.length;
    canvas.height = ROW * shown;
    const map = new CanvasTexture(canvas);
    map.colorSpace = SRGBColorSpace;
    super(new PlaneGeometry(WIDTH_M, (WIDTH_M * canvas.height) / WIDTH), new MeshBasicMaterial({ map, side: DoubleSide, toneMapped: false, transparent: true }));
    this.renderOrder = 1e5;
    this.canvas = canvas;
    this.state = state;
    this.actions = actions;
    this.page = 0;
    this.pointed = -1;
    state.addEventListener("change", () => this.draw());
    this.draw();
  }

  /** Text, whether it is on (undefined: a plain button), the key's colour, and what a press does. */
  get rows() {
    const { structures } = this.state;
    const here = structures.slice(this.page * STRUCTURES, (this.page + 1) * STRUCTURES);
    const pages = Math.ceil(structures.length / STRUCTURES);
    const turn = { text: `more structures (${this.page + 1} of ${pages})`, press: () => { this.page = (this.page + 1) % pages; } };
    return [
      ...here.map((one) => ({ text: one.node, on: one.visible, colour: one.colour, press: () => { one.visible = !one.visible; } })),
      ...(pages > 1 ? [turn] : []),
      ...this.actions.map(({ text, on, press }) => ({ text, on: on?.(), press })),
    ];
  }

  /** The middle of row `n`, in the board's own metres. */
  middle(n) {
    return new Vector3(0, (WIDTH_M * (this.canvas.height / 2 - (n + 0.5) * ROW)) / WIDTH, 0);
  }

  at(uv) {
    return Math.min(this.rows.length - 1, Math.floor(((1 - uv.y) * this.canvas.height) / ROW));
  }

  point(uv) {
    const row = uv ? this.at(uv) : -1;
    if (row !== this.pointed) {
      this.pointed = row;
      this.draw();
    }
  }

  press(uv) {
    const row = this.rows[this.at(uv)];
    this.state.change(() => row?.press());
  }

  draw() {
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, WIDTH, this.canvas.height);
    pen.fillStyle = "rgba(12, 26, 38, 0.94)";
    pen.beginPath();
    pen.roundRect(0, 0, WIDTH, this.canvas.height, 24);
    pen.fill();
    this.rows.forEach((row, n) => this.drawRow(pen, row, n));
    this.material.map.needsUpdate = true;
  }

  drawRow(pen, { text, on, colour }, n) {
    const middle = (n + 0.5) * ROW;
    if (n === this.pointed) {
      pen.fillStyle = "#29506c";
      pen.beginPath();
      pen.roundRect(6, n * ROW + 4, WIDTH - 12, ROW - 8, 16);
      pen.fill();
    }
    pen.font = '500 31px system-ui, "Segoe UI", Arial, sans-serif';
    pen.textBaseline = "middle";
    pen.fillStyle = on === false ? "#8499a9" : "#f2f8fc";
    pen.fillText(text, 84, middle, WIDTH - 190);
    if (colour) {
      pen.fillStyle = colour;
      pen.globalAlpha = on ? 1 : 0.35;
      pen.beginPath();
      pen.roundRect(28, middle - 17, 34, 34, 9);
      pen.fill();
      pen.globalAlpha = 1;
    }
    if (on !== undefined) {
      pen.textAlign = "right";
      pen.fillStyle = on ? "#8fe0b0" : "#8499a9";
      pen.fillText(on ? "on" : "off", WIDTH - 30, middle);
      pen.textAlign = "left";
    }
  }
}
