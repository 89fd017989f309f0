// Two points, and the millimetres between them. Points lie in the scene before it is placed: a length stays true when the scene is turned or scaled.

import { BufferGeometry, Group, Line, LineBasicMaterial } from "three";
import { dot, word } from "./marks.js";

export class Ruler extends Group {
  constructor() {
    super();
    this.lengths = [];
    this.first = null;
  }

  /** Take a point; the second of a pair gives the length in mm, the first null. */
  take(point) {
    this.add(dot(point, "#45c4ff"));
    if (this.first === null) {
      this.first = point;
      return null;
    }
    const mm = 1000 * this.first.distanceTo(point);
    const line = new Line(new BufferGeometry().setFromPoints([this.first, point]), new LineBasicMaterial({ color: 0x45c4ff, depthTest: false, transparent: true }));
    line.renderOrder = 1e5 - 2;
    line.raycast = () => {};
    const label = word(`${mm.toFixed(1)} mm`, "ruler");
    label.position.copy(this.first).lerp(point, 0.5);
    label.center.set(0.5, -0.3);
    this.add(line, label);
    this.lengths.push(mm);
    this.first = null;
    return mm;
  }

  clear() {
    super.clear();
    this.lengths = [];
    this.first = null;
    return this;
  }
}
