// Elements, briefly. Text is always text: a structure's name cannot become markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function choice(label, options, value, onchange) {
  const select = make("select", { "aria-label": label, onchange: () => onchange(select.value) }, ...options.map(([key, text]) => make("option", { value: key, textContent: text })));
  select.value = value;
  return [make("label", { className: "line" }, make("span", { textContent: label }), select), select];
}

export function range(label, bounds, value, oninput) {
  const input = make("input", { type: "range", min: bounds[0], max: bounds[1], step: bounds[2] ?? "any", value, "aria-label": label, oninput: () => oninput(Number(input.value)) });
  const told = make("output");
  return { row: make("label", { className: "line" }, make("span", { textContent: label }), input, told), input, told };
}

export function tick(label, checked, onchange) {
  const input = make("input", { type: "checkbox", checked, onchange: () => onchange(input.checked) });
  return { row: make("label", { className: "tick" }, input, make("span", { textContent: label })), input };
}
