import { h, show } from "./dom.js";
import { list, milliseconds, number, plural, prose } from "./format.js";
import { icon } from "./icons.js";

// The first thing there is to read: is my data safe, who leads, what is wrong.

const WEAK = ["fsync_off", "mode_available"];
const ALIVE = ["ACTIVE", "SYNCING", "JOINING", "NEEDS_MIGRATION"]; // one that lags is not heard

export const severityTone = { critical: "bad", warning: "warn", remark: "plain" };

export const tone = (finding) => severityTone[finding.severity.toLowerCase()] ?? "plain";

/** What a picture says, in words: { tone, headline, sentence }. */
export function judge(snapshot) {
  const { cluster, doctor } = snapshot;
  const voters = cluster.nodes.filter((n) => n.voter);
  const living = voters.filter((n) => ALIVE.includes(n.status) && !gone(snapshot, n)).length;
  const majority = Math.floor(voters.length / 2) + 1;
  const spare = living - majority;
  const findings = doctor.findings;
  const critical = findings.find((f) => f.severity.toLowerCase() === "critical");
  const troubled = findings.filter((f) => f.severity.toLowerCase() === "warning").length;
  const available = cluster.mode === "available";
  const weak = findings.some((f) => WEAK.includes(f.code));

  if (!cluster.leader) {
    return {
      tone: "bad",
      headline: "Writes are waiting: nobody leads",
      sentence: available
        ? "A node takes the lead as soon as it can."
        : living >= majority
          ? "What was acknowledged is safe: a majority has it. An election takes a few seconds."
          : `${living} of ${plural(voters.length, "voter")} live and ${majority} are needed. What was acknowledged is on the disks of a majority, and nothing more is acknowledged.`,
    };
  }
  const leads = `${cluster.leader} leads`;
  if (critical) return { tone: "bad", headline: headlineOf(critical), sentence: `${leads}. ${critical.what}` };
  if (available) {
    return {
      tone: troubled ? "warn" : "good",
      headline: troubled ? "The cluster works, and something needs attention" : "The cluster works, in mode available",
      sentence: `${leads} and takes writes. A write is acknowledged when it is on the leader's disk; the others get it a moment later.`,
    };
  }
  const safe = weak ? "Every acknowledged write is in the logs" : "Every acknowledged write is on the disks";
  const copies = `${safe} of at least ${majority} of ${plural(voters.length, "node")}`;
  const reserve = spare > 0 ? `${plural(spare, "node")} may fail.` : "No further node may fail.";
  return {
    tone: troubled || weak || spare < 1 ? "warn" : "good",
    headline: weak ? "The cluster works, with less than its full promise"
      : spare < 1 && voters.length > 1 ? "Your data is safe, with nothing in reserve"
      : troubled ? "Your data is safe, and something needs attention"
      : "Your data is safe",
    sentence: `${leads} and takes writes. ${copies}; ${reserve[0].toLowerCase()}${reserve.slice(1)}`,
  };
}

const HEADLINES = {
  different: "The nodes do not hold the same data",
  two_leaders: "Two nodes take writes",
  leader_closed: "Writes are waiting",
  node_failed: "A node can serve no more",
};

const headlineOf = (finding) => HEADLINES[finding.code] ?? "Something is wrong";

const gone = (snapshot, member) => /refused/i.test(snapshot.silent[member.id] ?? "");

export function showVerdict(place, snapshot) {
  const verdict = judge(snapshot);
  const { findings } = snapshot.doctor;
  const weak = findings.filter((f) => WEAK.includes(f.code));
  const pressing = findings.filter((f) => f.severity.toLowerCase() !== "remark");
  const remarks = findings.filter((f) => f.severity.toLowerCase() === "remark" && !WEAK.includes(f.code));
  show(
    place,
    h("div", { class: `verdict ${verdict.tone}` },
      icon(verdict.tone),
      h("div", { class: "verdict-text" }, h("h1", null, verdict.headline), h("p", null, verdict.sentence)),
      figures(snapshot)),
    weak.length > 0 && h("ul", { class: "weak", "aria-label": "What weakens the promise" }, weakened(weak)),
    pressing.length > 0 && h("ul", { class: "findings", "aria-label": "What is wrong" }, pressing.map(showFinding)),
    remarks.length > 0 && h("details", { class: "remarks" },
      h("summary", null, plural(remarks.length, "remark")),
      h("ul", { class: "findings" }, remarks.map(showFinding))),
  );
  return verdict;
}

/** One line for each setting, with all the nodes that have it. */
function weakened(findings) {
  return WEAK.map((code) => {
    const nodes = findings.filter((f) => f.code === code).map((f) => f.node);
    if (nodes.length === 0) return null;
    const what = code === "fsync_off"
      ? h("span", null, h("strong", null, "wal.fsync = false"), ` on ${list(nodes)}: a power cut can lose acknowledged writes.`)
      : h("span", null, h("strong", null, "mode = available"), ": when the leader dies, what it has not sent yet is cut off; it is saved to a file and reported.");
    return h("li", null, icon("warn"), what);
  });
}

/** One finding. What it says may change every second; which it is does not. */
export function showFinding(f, index, all) {
  const before = all.slice(0, index).filter((other) => other.code === f.code && other.node === f.node).length;
  return h("li", { "data-key": `${f.code} ${f.node ?? ""} ${before}` },
    icon(tone(f)),
    h("div", null,
      h("p", { class: "what" }, prose(f.what)),
      h("p", { class: "do" }, h("span", { class: "do-mark" }, "What to do: "), prose(f.do))));
}

function figures(snapshot) {
  const { cluster, point } = snapshot;
  const data = cluster.nodes.filter((n) => n.role !== "WITNESS");
  const inStep = data.filter((n) => n.status === "ACTIVE" && !gone(snapshot, n)).length;
  return h("dl", { class: "figures" },
    figure("Leader", cluster.leader ?? "nobody"),
    figure("In step", `${inStep} of ${data.length}`),
    figure("Commits", point ? `${number(point.commits_per_second)}/s` : null),
    figure("Commit p95", milliseconds(point?.commit_p95_ms)));
}

const figure = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value ?? "–"));
