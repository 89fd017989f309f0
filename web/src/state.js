// What is shown, in one place: the panel, the headset's board and the drawing all read it and hear of its changes.

export class State extends EventTarget {
  constructor(told) {
    super();
    this.structures = told.structures.map((one) => ({ ...one, visible: true }));
    this.slice = { shown: told.volume !== null, facing: "axial", cut: 0, tint: 0.2 };
    this.window = told.volume ? [...told.volume.window] : [0, 1];
    this.findings = told.findings.length > 0;
    this.letters = true;
    this.ruler = false;
  }

  /** Let `change` alter this state, then tell everyone. */
  change(change) {
    change(this);
    this.dispatchEvent(new Event("change"));
  }

  onChange(listener) {
    this.addEventListener("change", listener);
    listener();
  }
}
