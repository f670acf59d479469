import { h, show } from "./dom.js";
import { milliseconds, number } from "./format.js";

// Four charts of the last five minutes. uPlot draws; what stands in words beside each is for everybody, and follows the pointer.

const SECONDS = 300;
const NODE_COLOURS = 7;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const stage = (label, read, name, more) => ({ label, read, colour: `--chart-${name}`, ...more });

const COMMITS = {
  id: "commits", title: "Commits per second", unit: number,
  about: "Log entries that the quorum has committed: one for each transaction.",
  series: () => [stage("commits", (p) => p.commits_per_second, "a", { area: true })],
};

const LATENCY = {
  id: "latency", title: "Where a commit's time goes", unit: milliseconds,
  about: "Means of each second on the leader, and what 95 % of its commits stayed within. A rare spike may leave the top; point at it for the figure.", most: 0.97,
  series: () => [
    stage("quorum", (p) => (p.quorum_ms === null ? null : p.quorum_ms + (p.capture_ms ?? 0)), "a", { area: true, told: (p) => p.quorum_ms }),
    stage("capture", (p) => p.capture_ms, "b", { area: true }),
    stage("log sync", (p) => p.sync_ms, "c", { dash: [2, 3] }),
    stage("p95", (p) => p.commit_p95_ms, "d", { dash: [6, 4] }),
  ],
};

const ofNodes = (read) => (members) => members.map((id, i) => ({
  label: id, read: (p) => { const node = p.nodes.find((n) => n.id === id); return node ? read(node) : null; }, colour: `--node-${i % NODE_COLOURS}`,
  dash: [[], [7, 4], [2, 3], [10, 3, 2, 3]][i % 4],
}));

const LAG = {
  id: "lag", title: "Lag", unit: number, about: "Committed entries that the MariaDB of each that follows has not applied yet.", series: ofNodes((n) => n.lag_entries), nodes: true,
};

const SESSIONS = {
  id: "sessions", title: "Sessions", unit: number, about: "Clients of each node's proxy, while this page is open somewhere.", series: ofNodes((n) => n.sessions), nodes: true,
};

/** Shows charts in a place. */
export class Charts {
  #points = [];
  #charts;

  constructor(place) {
    this.#charts = [COMMITS, LATENCY, LAG, SESSIONS].map((kind) => new Chart(kind, place));
    let width = 0;
    new ResizeObserver(([entry]) => {
      if (Math.abs(entry.contentRect.width - width) < 1) return;
      width = entry.contentRect.width;
      for (const chart of this.#charts) chart.fit();
    }).observe(place);
  }

  /** All points there are, oldest first. */
  begin(points) {
    this.#points = points.slice(-SECONDS);
    this.#draw();
  }

  add(point) {
    if (!point || point.at_ms <= (this.#points.at(-1)?.at_ms ?? 0)) return;
    this.#points.push(point);
    while (this.#points.length > SECONDS) this.#points.shift();
    if (!document.hidden) this.#draw();
  }

  /** The colours are others, or the page is seen again. */
  repaint() {
    for (const chart of this.#charts) chart.repaint();
    this.#draw();
  }

  #draw() {
    if (this.#points.length === 0) return;
    for (const chart of this.#charts) chart.draw(this.#points);
  }
}

class Chart {
  #kind;
  #figure;
  #canvas;
  #legend;
  #plot = null;
  #series = [];
  #members = "";
  #points = [];

  constructor(kind, place) {
    this.#kind = kind;
    this.#canvas = h("div", { class: "canvas", role: "img" });
    this.#legend = h("ul", { class: "legend" });
    this.#figure = h("figure", { class: "chart", id: `chart-${kind.id}` }, h("figcaption", null, h("h3", null, kind.title), h("p", null, kind.about)), this.#legend, this.#canvas);
    place.append(this.#figure);
  }

  draw(points) {
    this.#points = points;
    const members = this.#kind.nodes ? (points.at(-1)?.nodes ?? []).map((n) => n.id) : [];
    if (!this.#plot || members.join(" ") !== this.#members) this.#make(members);
    const x = points.map((p) => p.at_ms / 1000);
    const end = x.at(-1);
    this.#plot.batch(() => {
      this.#plot.setData([x, ...this.#series.map((one) => points.map(one.read))], false);
      this.#plot.setScale("x", { min: end - SECONDS + 1, max: end });
    });
    this.#tell();
  }

  fit() {
    if (this.#plot) this.#plot.setSize(this.#size());
  }

  repaint() {
    this.#plot?.redraw(false, true);
  }

  #size() {
    return { width: Math.max(200, this.#canvas.clientWidth), height: 168 };
  }

  #make(members) {
    this.#plot?.destroy();
    this.#members = members.join(" ");
    this.#series = this.#kind.series(members);
    const axis = { stroke: () => colour("--muted"), font: "12px 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif", ticks: { show: false }, grid: { stroke: () => colour("--grid"), width: 1 } };
    this.#plot = new uPlot({
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "charts" }, points: { size: 7 } },
      scales: { y: { range: (plot, _, max) => [0, max > 0 ? top(plot, max, this.#kind.most) * 1.15 : 1] } },
      axes: [
        { ...axis, space: 70, size: 28, grid: { show: false }, values: (_, ticks) => ticks.map((t) => new Date(t * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })), incrs: [60, 120, 300] },
        { ...axis, size: 58, space: 36, values: (_, ticks) => ticks.map((t) => this.#kind.unit(t)) },
      ],
      series: [{}, ...this.#series.map((one) => ({
        label: one.label,
        stroke: () => colour(one.colour),
        fill: one.area ? () => colour(`${one.colour}-area`) : undefined,
        dash: one.dash,
        width: 1.75,
        points: { show: true, size: 5, fill: () => colour(one.colour), filter: alone },
      }))],
      hooks: { setCursor: [() => this.#tell()] },
    }, [[], ...this.#series.map(() => [])], this.#canvas);
  }

  /** The figures under the pointer, else the newest. */
  #tell() {
    const at = this.#plot.cursor.idx;
    const pointed = at !== null && at !== undefined && this.#plot.cursor.left >= 0;
    const point = this.#points[pointed ? at : this.#points.length - 1];
    if (!point) return;
    const told = this.#series.map((one) => `${one.label} ${this.#kind.unit((one.told ?? one.read)(point))}`);
    show(this.#legend, this.#series.map((one, i) => h("li", { "data-key": one.label },
      h("span", { class: `swatch ${one.dash?.length ? "dashed" : ""}`, "data-colour": one.colour }), h("span", null, one.label, " "), h("strong", null, told[i].slice(one.label.length + 1)))));
    for (const swatch of this.#legend.querySelectorAll(".swatch")) swatch.style.color = `var(${swatch.dataset.colour})`;
    this.#figure.dataset.pointed = pointed;
    if (!pointed) this.#canvas.setAttribute("aria-label", `${this.#kind.title}, the last five minutes. Now: ${told.join(", ")}.`);
  }
}

/** How high a chart is: all of it, or where spikes would flatten the rest, this share of its values and twice as much. */
function top(plot, max, share) {
  if (!share) return max;
  const values = plot.data.slice(1).flatMap((data) => data.filter((value) => value !== null)).sort((a, b) => a - b);
  return Math.min(max, 2 * values[Math.floor((values.length - 1) * share)] || max);
}

/** Seconds with nothing before and after: a line would not show them. */
function alone(plot, index) {
  const data = plot.data[index];
  return data.flatMap((value, i) => (value !== null && (data[i - 1] ?? null) === null && (data[i + 1] ?? null) === null ? [i] : []));
}
