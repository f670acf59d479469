import { s } from "./dom.js";

// Each tone has a shape of its own: nobody has to tell colours apart.
const SHAPES = {
  good: () => [s("circle", { cx: 10, cy: 10, r: 8.5 }), s("path", { d: "m6 10.4 2.7 2.7L14 7.6", class: "mark" })],
  warn: () => [s("path", { d: "M10 1.8 19 17.6H1Z", "stroke-linejoin": "round" }), s("path", { d: "M10 7.4v4.4M10 14.4v.4", class: "mark" })],
  bad: () => [s("path", { d: "M6.3 1.5h7.4l4.8 4.8v7.4l-4.8 4.8H6.3l-4.8-4.8V6.3Z" }), s("path", { d: "m7 7 6 6M13 7l-6 6", class: "mark" })],
  busy: () => [s("circle", { cx: 10, cy: 10, r: 8.5 }), s("path", { d: "M10 5.6V10l3 2", class: "mark" })],
  plain: () => [s("circle", { cx: 10, cy: 10, r: 5 })],
};

export function icon(tone) {
  return s("svg", { class: `icon ${tone}`, viewBox: "0 0 20 20", "aria-hidden": "true" }, SHAPES[tone]());
}
