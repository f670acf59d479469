import { h, s, show } from "./dom.js";
import { duration, number, plural } from "./format.js";
import { icon } from "./icons.js";

// The cluster as a picture: clients, the leader, who follows it, and what flows between them. The cards are plain elements; the flows are drawn under them, from where they really stand.

export const statusTone = (status) => ({ ACTIVE: "good", LAGGING: "warn", NEEDS_MIGRATION: "bad", DROPPED: "bad", OFFLINE: "bad", SYNCING: "busy", JOINING: "busy" })[status] ?? "plain";

const STATUS_WORDS = {
  ACTIVE: "Active", LAGGING: "Lagging", DROPPED: "Dropped", OFFLINE: "Offline", SYNCING: "Catching up", JOINING: "Joining", NEEDS_MIGRATION: "Needs migration",
};

export const statusWord = (status) => STATUS_WORDS[status] ?? "Unknown";

export const factsOf = (snapshot, id) => snapshot.nodes.find((n) => n.status.id === id);

/** A node whose machine refuses connections to its API is gone, whatever the last heartbeat said. */
export const justGone = (snapshot, member) => member.status === "ACTIVE" && /refused/i.test(snapshot.silent[member.id] ?? "");

/** What a node's flow carries, for people: { tone, text }. */
export function flowOf(snapshot, member) {
  if (justGone(snapshot, member) || ["DROPPED", "OFFLINE"].includes(member.status)) return { tone: "bad", text: "cut off" };
  if (member.status === "LAGGING") return { tone: "warn", text: `silent for ${duration((member.last_heard_ms ?? 0) / 1000)}` };
  if (member.status === "NEEDS_MIGRATION") return { tone: "bad", text: "log only" };
  if (member.role === "WITNESS") return { tone: "good", text: "log only" };
  const own = factsOf(snapshot, member.id)?.status;
  const lag = own?.lag_entries ?? member.lag_entries;
  if (lag === null) return { tone: "plain", text: "unknown" };
  // What is on its way at this moment is no lag: as much as is committed in half a second.
  const underway = Math.max(5, (snapshot.point?.commits_per_second ?? 0) / 2);
  if (lag <= underway && member.status === "ACTIVE") return { tone: "good", text: "in step" };
  const seconds = own?.lag_seconds;
  const time = seconds >= 1 ? ` · ${duration(seconds)}` : "";
  return { tone: member.status !== "ACTIVE" || seconds > 10 ? "warn" : "good", text: `${number(lag)} behind${time}` };
}

export function showPicture(place, snapshot) {
  const { cluster, point } = snapshot;
  const leader = cluster.nodes.find((n) => n.id === cluster.leader);
  const others = cluster.nodes.filter((n) => n !== leader);
  const sessions = (point?.nodes ?? []).reduce((sum, n) => sum + (n.sessions ?? 0), 0);
  const idle = !point || point.commits_per_second === 0;
  show(place,
    h("div", { class: "block-head" },
      h("h2", null, "The cluster"),
      h("p", { class: "note" }, `${plural(cluster.nodes.length, "node")}, term ${number(cluster.term)}, commit LSN ${number(cluster.commit_lsn)}`)),
    h("div", { class: "topology" },
      s("svg", { class: "flows", "aria-hidden": "true", "data-own": true }),
      h("div", { class: "column clients" },
        h("div", { class: "client", "data-node": "@clients" }, h("strong", null, "Clients"), h("span", null, plural(sessions, "session")))),
      h("div", { class: "column lead" }, leader
        ? card(snapshot, leader)
        : h("div", { class: "card ghost", "data-key": "@nobody", "data-node": "@nobody" }, h("h3", null, "Nobody leads"), h("p", null, "Writes wait until there is a leader."))),
      h("ul", { class: "column followers", "aria-label": "Nodes that do not lead" }, others.map((n) => h("li", { "data-key": n.id },
        h("span", { class: `flow-label ${flowOf(snapshot, n).tone}`, "data-label": n.id }, flowOf(snapshot, n).text),
        card(snapshot, n))))));
  place.dataset.idle = idle;
  draw(place, snapshot, leader, others, idle);
}

function card(snapshot, member) {
  const facts = factsOf(snapshot, member.id);
  const gone = justGone(snapshot, member);
  const tone = gone ? "bad" : statusTone(member.status);
  const marks = [
    member.id === snapshot.cluster.node && "this page",
    facts?.status.maintenance && "maintenance",
    member.never_leader && "never leads",
    !member.voter && "no vote",
    facts?.status.warnings.includes("fsync_off") && "fsync off",
  ].filter(Boolean);
  const leads = member.id === snapshot.cluster.leader;
  const sessions = facts?.status.proxy_sessions;
  return h("article", { class: `card ${leads ? "leader" : ""} ${tone}`, "data-key": member.id, "data-node": member.id, "aria-label": member.id },
    h("div", { class: "card-top" },
      h("h3", null, h("a", { href: `#/node/${encodeURIComponent(member.id)}` }, member.id)),
      h("span", { class: `role ${leads ? "leads" : ""}` }, member.role ?? "unknown")),
    h("p", { class: `status ${tone}` }, icon(tone), gone ? "Just gone" : statusWord(member.status)),
    member.reason && member.status !== "LAGGING" && h("p", { class: "reason" }, member.reason),
    h("dl", { class: "facts" },
      h("div", null, h("dt", null, "LSN"), h("dd", null, number(facts?.status.last_lsn ?? member.last_lsn))),
      member.role !== "WITNESS" && h("div", null, h("dt", null, "Applied"), h("dd", null, number(facts?.status.applied_lsn ?? member.applied_lsn))),
      sessions !== null && sessions !== undefined && h("div", null, h("dt", null, "Sessions"), h("dd", null, number(sessions)))),
    marks.length > 0 && h("p", { class: "marks" }, marks.map((m) => h("span", null, m))),
    mayLead(snapshot, member) && h("button", { type: "button", class: "small", "data-action": "promote", "data-id": member.id, "aria-label": `Make leader: ${member.id}` }, "Make leader"));
}

/** Whether a switchover to it would be worth asking for. */
export const mayLead = (snapshot, member) =>
  member.id !== snapshot.cluster.leader && member.fit && member.voter && !member.never_leader && member.role !== "WITNESS" && member.status === "ACTIVE" && !justGone(snapshot, member);

/** Draws the flows between where the cards stand. */
function draw(place, snapshot, leader, others, idle) {
  const topology = place.querySelector(".topology");
  const flows = topology.querySelector(".flows");
  const frame = topology.getBoundingClientRect();
  if (frame.width === 0) return;
  const box = (id) => {
    const at = topology.querySelector(`[data-node="${CSS.escape(id)}"]`).getBoundingClientRect();
    return { left: at.left - frame.left, right: at.right - frame.left, top: at.top - frame.top, bottom: at.bottom - frame.top, y: at.top - frame.top + at.height / 2, x: at.left - frame.left + at.width / 2 };
  };
  flows.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  const center = box(leader?.id ?? "@nobody");
  const clients = box("@clients");
  const stacked = clients.bottom <= center.top;
  const still = idle || !leader;
  const lines = [flow("@clients", stacked ? down(clients, center) : across(clients, center), leader ? "good" : "bad", still)];
  for (const other of others) {
    const { tone } = flowOf(snapshot, other);
    lines.push(flow(other.id, stacked ? along(center, box(other.id)) : across(center, box(other.id)), leader ? tone : "plain", still || tone === "bad" || other.status === "LAGGING"));
  }
  show(flows, lines);
}

const flow = (key, { d, tip }, tone, still) => s("g", { "data-key": key, class: tone },
  s("path", { d, class: `flow ${tone} ${still ? "still" : ""}` }),
  tone !== "bad" && s("path", { d: tip, class: "arrow" }));

/** A line, and the tip of an arrow at its end. */
const line = (d, x, y, turned) => ({ d, tip: turned ? `M${x} ${y}l-5 -8h10Z` : `M${x} ${y}l-8 -5v10Z` });

const across = (from, to) => {
  const half = (to.left - from.right) / 2;
  return line(`M${from.right} ${from.y}C${from.right + half} ${from.y} ${to.left - half} ${to.y} ${to.left - 7} ${to.y}`, to.left - 1, to.y);
};

const down = (from, to) => line(`M${from.x} ${from.bottom}L${from.x} ${to.top - 7}`, from.x, to.top - 1, true);

/** One below the other: down a common line at the left, then to the right. */
const along = (from, to) => {
  const x = from.left + 14;
  return line(`M${x} ${from.bottom}L${x} ${to.y - 12}Q${x} ${to.y} ${x + 12} ${to.y}L${to.left - 7} ${to.y}`, to.left - 1, to.y);
};
