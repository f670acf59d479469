import { ask, askToken, showAccess } from "./actions.js";
import { Charts } from "./charts.js";
import { $, h, show } from "./dom.js";
import { Feed } from "./feed.js";
import { clock, list } from "./format.js";
import { showDeaths, showIdentical, showNode } from "./node.js";
import { justGone, showPicture, statusWord } from "./picture.js";
import { Silence } from "./silence.js";
import { Timeline } from "./timeline.js";
import { judge, showVerdict } from "./verdict.js";

// Joins the parts: what comes in from the node, and what a person does.

let snapshot = null;
let said = null;

const timeline = new Timeline($("timeline"));
const charts = new Charts($("charts"));
const silence = new Silence($("silence"));

const feed = new Feed({
  begin: (points) => charts.begin(points),
  picture: (next) => { snapshot = next; draw(); tell(); charts.add(next.point); },
  history: (events) => timeline.set(events),
  state: (state) => { silence.set(state, snapshot); live(state); },
});

/** The node whose page is open, or null: the overview. */
function route() {
  const match = /^#\/node\/(.+)$/.exec(location.hash);
  try {
    return match ? decodeURIComponent(match[1]) : null;
  } catch {
    return null;
  }
}

function draw() {
  if (!snapshot) return;
  const node = route();
  $("overview").hidden = node !== null;
  $("node").hidden = node === null;
  const { cluster } = snapshot;
  show($("where"), h("strong", null, cluster.cluster_name ?? "(no name)"), h("span", null, `as ${cluster.node} sees it`));
  const verdict = judge(snapshot);
  document.title = `${verdict.tone === "good" ? "" : verdict.tone === "bad" ? "✕ " : "▲ "}${node ?? cluster.cluster_name ?? "cluster"} · WolfScale`;
  if (node !== null) {
    showNode($("node"), snapshot, node);
  } else {
    showVerdict($("verdict"), snapshot);
    showPicture($("picture"), snapshot);
    showDeaths($("deaths"), snapshot);
    showIdentical($("identical"), snapshot);
    const leader = cluster.leader;
    $("charts-note").textContent = leader ? `Commit times are ${leader}'s, which leads` : "";
  }
  $("timeline-note").textContent = `The newest of all nodes' histories, as one.${missing(snapshot)}`;
  const own = snapshot.nodes.find((n) => n.status.id === cluster.node);
  show($("foot"), h("span", null, `WolfScale ${own?.status.version ?? ""}`), h("span", null, `cluster ${cluster.cluster_id ?? "not known"}`), h("span", null, `mode ${cluster.mode}`), h("a", { href: "/metrics" }, "metrics"), h("a", { href: "/status" }, "status"), h("a", { href: "/events" }, "events"), h("a", { href: "/dashboard/uplot.LICENSE.txt" }, "charts by uPlot"));
}

function missing({ silent }) {
  const nodes = Object.keys(silent);
  return nodes.length > 0 ? ` What ${list(nodes)} alone saw of late is missing.` : "";
}

/** Changes that somebody who does not see the page must hear of, and nothing that changes every second. */
function tell() {
  const now = { leader: snapshot.cluster.leader, nodes: new Map(snapshot.cluster.nodes.map((n) => [n.id, justGone(snapshot, n) ? "just gone" : statusWord(n.status).toLowerCase()])) };
  if (said) {
    const news = [];
    if (now.leader !== said.leader) news.push(now.leader ? `${now.leader} leads` : "nobody leads");
    const changed = [...now.nodes].filter(([id, status]) => said.nodes.has(id) && said.nodes.get(id) !== status);
    for (const [id, status] of changed) news.push(`${id} is ${status}`);
    const joined = [...now.nodes.keys()].filter((id) => !said.nodes.has(id));
    if (joined.length > 0) news.push(`${list(joined)} joined`);
    if (news.length > 0) say(`${news.join("; ")}.`);
  }
  said = now;
}

function say(text) {
  $("said").textContent = text;
}

function live(state) {
  $("live").className = `live ${state}`;
  show($("live"), h("span", { class: "dot", "aria-hidden": "true" }), state === "live" ? "Live" : state === "full" ? "Waiting" : "No answer");
  if (state !== "live" && snapshot) $("live").title = `Last heard at ${clock(snapshot.at)}`;
  document.body.dataset.state = state;
}

const DOES = {
  access: () => askToken(),
  "more-events": () => timeline.more(),
  "stay": () => silence.stay(),
};

document.addEventListener("click", (e) => {
  const button = e.target.closest("[data-action]");
  if (!button || button.disabled) return;
  const { action, id, on } = button.dataset;
  if (DOES[action]) DOES[action]();
  else if (snapshot) ask(action, id, snapshot, on === "true", say);
});

addEventListener("hashchange", () => {
  timeline.filter.node = route();
  draw();
  timeline.draw();
  scrollTo(0, 0);
  $("main").focus({ preventScroll: true });
});

$("timeline-show").addEventListener("change", (e) => { timeline.filter.weighty = e.target.value === "weighty"; timeline.draw(); });

$("theme").value = document.documentElement.dataset.theme ?? "auto";
$("theme").addEventListener("change", (e) => {
  const chosen = e.target.value;
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  try {
    localStorage.setItem("wolfscale.theme", chosen);
  } catch {
    // Until the page is closed, then.
  }
  charts.repaint();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.repaint());
document.addEventListener("visibilitychange", () => { if (!document.hidden) { draw(); charts.repaint(); } });
new ResizeObserver(() => draw()).observe($("main"));

timeline.filter.node = route();
showAccess();
feed.start();
