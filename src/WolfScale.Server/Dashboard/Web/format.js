import { h } from "./dom.js";

// Figures and times for people. What is not known is a dash.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const two = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

export const DASH = "–";

export function number(value) {
  if (value === null || value === undefined) return DASH;
  return Math.abs(value) < 10 && value % 1 !== 0 ? one.format(value) : whole.format(value);
}

export function milliseconds(value) {
  if (value === null || value === undefined) return DASH;
  if (value >= 10_000) return `${one.format(value / 1000)} s`;
  return `${value < 1 ? two.format(value) : value < 100 ? one.format(value) : whole.format(value)} ms`;
}

export function bytes(value) {
  if (value === null || value === undefined) return DASH;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${one.format(value)} ${units[unit]}`;
}

/** "3 min", "2 h 5 min": no more than two units. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

export const ago = (from, now) => duration(Math.max(0, (now - from) / 1000)) + " ago";

export const clock = (time) => new Date(time).toLocaleTimeString("en-GB");

export const day = (time) => new Date(time).toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });

export const plural = (count, word, words = word + "s") => `${number(count)} ${count === 1 ? word : words}`;

export function list(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

/** A sentence in which `commands` stand between backticks, as elements. */
export function prose(text) {
  return String(text ?? "").split("`").map((part, i) => (i % 2 ? h("code", null, part) : part));
}

/** A first letter as at the beginning of a sentence; names of nodes stay as they are. */
export function sentence(text) {
  return /^(?:there|an?|the|its|no|all|some|what|everything)\b/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
}
