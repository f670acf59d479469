import { h, show } from "./dom.js";
import { clock, day, prose, sentence } from "./format.js";
import { icon } from "./icons.js";

// What happened, the newest first, each event with why.

const SHOWN = 30;

const TONES = {
  good: ["elected", "leader_changed", "switchover", "database_opened", "database_fit", "node_returned", "node_joined", "node_votes", "rewound", "migration_done", "verified", "error_over", "recovered"],
  warn: ["alarm", "stepped_down", "maintenance", "node_left", "node_lost_vote", "switchover_failed", "events_lost", "operator"],
  bad: ["leader_lost", "node_dropped", "node_offline", "node_needs_migration", "database_unfit", "diverged", "discarded", "migration_failed", "different", "error", "superseded"],
  busy: ["migration_started", "node_moved"],
};
const TONE_OF = new Map(Object.entries(TONES).flatMap(([tone, kinds]) => kinds.map((kind) => [kind, tone])));
const LIGHT = new Set(["started", "stopping", "database_fit", "node_votes", "node_moved", "operator"]);

export class Timeline {
  #place;
  #events = [];
  #more = 0;

  constructor(place) {
    this.#place = place;
  }

  /** Only what matters, and only about one node, or all. */
  filter = { weighty: false, node: null };

  /** All of them, oldest first. */
  set(events) {
    this.#events = events;
    this.draw();
  }

  more() {
    this.#more += SHOWN;
    this.draw();
  }

  draw() {
    const { weighty, node } = this.filter;
    const wanted = this.#events.filter((e) => (!weighty || !LIGHT.has(e.kind)) && (!node || about(e, node))).reverse();
    const shown = wanted.slice(0, SHOWN + this.#more);
    const days = Map.groupBy ? Map.groupBy(shown, (e) => day(e.time)) : group(shown);
    show(this.#place,
      shown.length === 0 && h("p", { class: "waiting" }, "Nothing yet."),
      [...days].map(([name, events]) => h("section", { class: "day", "data-key": name, "aria-label": name },
        h("h3", null, name),
        h("ol", { class: "events" }, events.map(row)))),
      wanted.length > shown.length && h("button", { type: "button", class: "quiet", "data-action": "more-events" }, `Show ${Math.min(SHOWN, wanted.length - shown.length)} more`));
  }
}

/** Whom it is about. */
function about(e, node) {
  const { details } = e;
  const subject = details.node === "self" ? e.node : details.node;
  return [subject, details.leader, details.previous_leader, details.from, details.to].includes(node) || (!subject && !details.leader && e.node === node);
}

function group(events) {
  const days = new Map();
  for (const e of events) days.set(day(e.time), [...(days.get(day(e.time)) ?? []), e]);
  return days;
}

/** What a node tells of itself without naming itself. */
const OWN = new Set(["started", "database_unfit", "database_fit", "database_opened", "alarm", "error", "error_over", "diverged", "rewound", "discarded", "maintenance", "migration_started", "migration_done", "migration_failed"]);

const own = (text, node) => text.replace(/^this node(?='|\b)/, node).replace(/\bthis node's\b/g, `${node}'s`);

/** What happened and why, apart. */
export function split(e) {
  const why = e.details?.why ?? e.details?.reason ?? "";
  const at = why ? e.message.indexOf(why) : -1;
  if (at <= 0) return { what: own(e.message, e.node), why: "" };
  const before = e.message.slice(0, at);
  const after = e.message.slice(at);
  return { what: own(before.replace(/[\s:;,(]+$/, ""), e.node), why: before.endsWith("(") ? after.replace(/\)$/, "") : after };
}

function row(e) {
  const { what, why } = split(e);
  return h("li", { "data-key": `${e.node} ${e.id}`, class: TONE_OF.get(e.kind) ?? "plain" },
    h("time", { datetime: e.time, title: e.time }, clock(e.time)),
    icon(TONE_OF.get(e.kind) ?? "plain"),
    h("div", { class: "told" },
      h("p", { class: "what" }, OWN.has(e.kind) && !what.startsWith(e.node) ? [`${e.node}: `, prose(what)] : prose(sentence(what))),
      why && h("p", { class: "why" }, h("span", { class: "why-mark" }, "Why: "), prose(why))),
    h("span", { class: "kind", title: `Told by ${(e.seen_by ?? [e.node]).join(", ")}` }, e.kind.replaceAll("_", " ")));
}
