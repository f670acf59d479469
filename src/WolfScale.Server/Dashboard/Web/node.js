import { h, show } from "./dom.js";
import { ago, bytes, duration, milliseconds, number, plural, prose } from "./format.js";
import { icon } from "./icons.js";
import { factsOf, flowOf, justGone, mayLead, statusTone, statusWord } from "./picture.js";
import { showFinding } from "./verdict.js";

/** A node's own page. */
export function showNode(place, snapshot, id) {
  const member = snapshot.cluster.nodes.find((n) => n.id === id);
  const back = h("p", { class: "back" }, h("a", { href: "#/" }, "← The cluster"));
  if (!member) {
    show(place, back, h("h1", null, id), h("p", null, "This cluster has no node of this name. It may have left."));
    return;
  }
  const facts = factsOf(snapshot, id);
  const gone = justGone(snapshot, member);
  const mark = gone ? "bad" : statusTone(member.status);
  const leads = snapshot.cluster.leader === id;
  const findings = snapshot.doctor.findings.filter((f) => f.node === id);
  const death = snapshot.doctor.deaths.find((d) => d.node === id);
  show(place,
    back,
    h("div", { class: "node-head" },
      h("h1", null, id),
      h("span", { class: `role ${leads ? "leads" : ""}` }, member.role ?? "unknown"),
      h("span", { class: `status ${mark}` }, icon(mark), gone ? "Just gone" : statusWord(member.status))),
    member.reason && h("p", { class: "reason" }, member.reason),
    member.status === "NEEDS_MIGRATION" && migration(snapshot, member),
    findings.length > 0 && h("ul", { class: "findings", "aria-label": "What there is to say" }, findings.map(showFinding)),
    actions(snapshot, member, facts, leads),
    death && h("p", { class: "note" }, told(death)),
    h("div", { class: "tables" },
      table("Log", [
        ["Last LSN on its disk", number(member.last_lsn)],
        ["Commit LSN it knows", number(facts?.status.commit_lsn)],
        ["Applied by its MariaDB", member.role === "WITNESS" ? "no MariaDB" : number(member.applied_lsn)],
        ["Behind", leads ? "it leads" : flowOf(snapshot, member).text],
        ["Sync of its log, median", milliseconds(facts?.stats.log_syncs.median_ms)],
        ["Sync of its log, p95", milliseconds(facts?.stats.log_syncs.p95_ms)],
        ["Last heard here", member.id === snapshot.cluster.node ? "this page's node" : member.last_heard_ms === null ? "never" : `${milliseconds(member.last_heard_ms)} ago`],
      ]),
      table("MariaDB", database(facts, member)),
      facts?.stats.proxy && table("Proxy", [
        ["Sessions", number(facts.stats.proxy.sessions)],
        ["Statements", `${number(facts.stats.proxy.statements_per_second)}/s`],
        ["Of them read here", `${number(facts.stats.proxy.local_reads_per_second)}/s`],
        ["New clients", `${number(facts.stats.proxy.connections_per_second)}/s`],
      ]),
      facts?.stats.leading && table("Leading", [
        ["Transactions", `${number(facts.stats.leading.transactions_per_second)}/s`],
        ["Their events", `${bytes(facts.stats.leading.bytes_per_second)}/s`],
        ["Waiting for the quorum", number(facts.stats.leading.waiting)],
        ["Commits, median", milliseconds(facts.stats.leading.commits.median_ms)],
        ["Commits, p95", milliseconds(facts.stats.leading.commits.p95_ms)],
        ["Commits, p99", milliseconds(facts.stats.leading.commits.p99_ms)],
      ]),
      table("Node", [
        ["Cluster address", member.address ?? "–"],
        ["API", member.api ? h("a", { href: `${location.protocol}//${member.api}/`, rel: "noreferrer" }, member.api) : "off, or unknown"],
        ["Proxy", member.proxy ?? "none"],
        ["Vote", member.voter ? "yes" : "no"],
        ["Maintenance", facts ? (facts.status.maintenance ? "on: it keeps the lead away" : "off") : "unknown"],
        ["Version", facts?.status.version ?? "unknown"],
        ["Up for", facts ? duration((Date.parse(snapshot.at) - Date.parse(facts.status.started_at)) / 1000) : "unknown"],
        ["Process", facts ? String(facts.status.pid) : "unknown"],
        ["Incarnation", member.incarnation ?? "–"],
      ])),
    !facts && h("p", { class: "note" }, `Its own facts are missing: ${snapshot.silent[id] ?? "it was not asked yet"}.`));
}

function database(facts, member) {
  if (member.role === "WITNESS") return [["Server", "none: a witness keeps the log and votes"]];
  const db = facts?.status.database;
  if (!db) return [["Server", "unknown"]];
  return [
    ["Server", db.up ? (db.version ?? "up") : "does not answer"],
    ["May serve", db.fit ? "yes" : "no"],
    ["At the moment", db.phase ?? "–"],
    ["GTID position", db.gtid_position ?? "–"],
    ["Takes writes", facts.status.accepts_writes ? "yes" : "no"],
    ["Reads go to it", facts.status.serves_reads ? "yes" : "no"],
    ["Behind for", facts.status.lag_seconds === null ? "–" : duration(facts.status.lag_seconds)],
    facts.status.discarded && ["Given up in its life", `${number(facts.status.discarded.transactions)} from its log, ${number(facts.status.discarded.rolled_back)} rolled back`],
  ].filter(Boolean);
}

/** How to get a node back whose data do not fit any more. */
function migration(snapshot, member) {
  const source = snapshot.cluster.nodes.find((n) => n.id !== member.id && n.status === "ACTIVE" && n.role === "FOLLOWER" && n.api)
    ?? snapshot.cluster.nodes.find((n) => n.id !== member.id && n.status === "ACTIVE" && n.api);
  const copy = factsOf(snapshot, member.id)?.status.migration;
  return h("div", { class: "callout bad" },
    h("p", null, h("strong", null, "Its MariaDB cannot go on from where it stands."), " Its log and its vote still count; its data have to be replaced by another node's. Run this on its machine:"),
    h("pre", { tabindex: "0" }, `wolfctl migrate --from ${source?.api ?? "HOST:API_PORT"} --replace-data`),
    h("p", { class: "note" }, "Transactions that only this node held are saved to a file in its data directory before they go; the history below names it."),
    copy && !copy.error && copy.phase !== "done" && h("p", null, `A copy from ${copy.from} is under way: ${copy.phase}, ${bytes(copy.bytes)}${copy.estimated_bytes ? ` of about ${bytes(copy.estimated_bytes)}` : ""}.`));
}

function actions(snapshot, member, facts, leads) {
  if (member.role === "WITNESS") return null;
  const why = leads || mayLead(snapshot, member) ? null : refusal(snapshot, member, facts);
  return h("div", { class: "actions" },
    leads
      ? h("button", { type: "button", "data-action": "demote", "data-id": member.id }, "Give the lead away …")
      : h("button", { type: "button", class: "primary", "data-action": "promote", "data-id": member.id, disabled: why !== null, "aria-describedby": why ? "why-not" : null }, "Make leader …"),
    facts && h("button", { type: "button", "data-action": "maintenance", "data-id": member.id, "data-on": String(!facts.status.maintenance) }, facts.status.maintenance ? "End maintenance …" : "Maintenance …"),
    why && h("p", { class: "note", id: "why-not" }, `It cannot lead now: ${why}.`));
}

function refusal(snapshot, member, facts) {
  if (member.never_leader) return "its configuration says never_leader";
  if (facts?.status.maintenance) return "it is in maintenance";
  if (!member.voter) return "it has no vote";
  if (member.status !== "ACTIVE" || justGone(snapshot, member)) return `it is ${statusWord(member.status).toLowerCase()}`;
  return facts?.status.database?.reason?.replace(/\.$/, "") ?? "its MariaDB is not ready";
}

function table(title, rows) {
  return h("div", { class: "table", "data-key": title },
    h("h2", null, title),
    h("dl", null, rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))));
}

/** What its death would mean, in a sentence. */
export function told(death) {
  const risk = death.at_risk ? ` At risk: ${death.at_risk}.` : " No acknowledged write would be lost.";
  if (!death.writes_go_on) return `If ${death.node} died now, writes would stand still until somebody helps.${risk}`;
  if (!death.seconds_without_writes) return `If ${death.node} died now, writes would go on at once.${risk}`;
  return `If ${death.node} died now, ${death.leader} would lead; writes would wait up to ${death.seconds_without_writes} s, up to ${death.seconds_if_frozen} s if its machine froze.${risk}`;
}

export function showDeaths(place, snapshot) {
  const { deaths } = snapshot.doctor;
  show(place,
    h("h2", null, "If a node died now"),
    h("table", null,
      h("thead", null, h("tr", null, ["Node", "Then leads", "Writes wait", "At risk"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", null, deaths.map((d) => h("tr", { "data-key": d.node },
        h("th", { scope: "row" }, d.node),
        h("td", null, d.leader ?? "nobody"),
        h("td", { class: d.writes_go_on ? "" : "bad" }, !d.writes_go_on ? "until somebody helps" : d.seconds_without_writes ? `up to ${d.seconds_without_writes} s` : "not at all"),
        h("td", null, d.at_risk ?? "nothing"))))),
    [...new Set(deaths.map((d) => d.do).filter(Boolean))].map((advice) => h("p", { class: "note" }, prose(advice))));
}

export function showIdentical(place, snapshot) {
  const all = snapshot.nodes.map((n) => n.status.verified).filter(Boolean);
  const last = all.sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
  const now = Date.parse(snapshot.at);
  const run = snapshot.verification;
  show(place,
    h("h2", null, "Do all nodes hold the same?"),
    !last ? h("p", null, "They were never compared.")
      : last.identical ? h("p", { class: "status good" }, icon("good"), `Proven identical ${ago(Date.parse(last.at), now)}, at LSN ${number(last.lsn)}: ${last.nodes.join(", ")}`)
      : last.different.length > 0 ? h("p", { class: "status bad" }, icon("bad"), `${last.different.join(", ")} differ from the leader, ${ago(Date.parse(last.at), now)}, at LSN ${number(last.lsn)}`)
      : h("p", { class: "status warn" }, icon("warn"), `Nothing differed ${ago(Date.parse(last.at), now)}, but not everything could be compared`),
    run?.running && h("p", { class: "status busy" }, icon("busy"), `Comparing: ${number(run.rows)} rows so far${run.table ? `, now ${run.table}` : ""}`),
    run?.error && h("p", { class: "status warn" }, icon("warn"), `The last comparison came to nothing: ${run.error}`),
    run?.report && result(run.report),
    h("div", { class: "actions" }, run?.running
      ? h("button", { type: "button", "data-action": "verify-cancel" }, "Give it up …")
      : h("button", { type: "button", "data-action": "verify" }, "Compare all nodes …")),
    h("p", { class: "note" }, "Reads all rows on every node at one moment, while writes go on."));
}

function result(report) {
  const tables = `${plural(report.tables, "table")} with ${plural(report.rows, "row")} at LSN ${number(report.lsn)}`;
  return [
    h("p", { class: "note", id: "verify-result" }, report.identical ? `The comparison made here found all nodes identical: ${tables}.` : `Compared here: ${tables}.`),
    h("ul", { class: "plain-list" },
      report.differences.slice(0, 20).map((d) => h("li", null, `${d.node} differs in ${d.object}: ${d.here}, and the leader: ${d.leader}`)),
      report.not_compared.slice(0, 20).map((n) => h("li", null, `Not compared: ${n.what}: ${n.why}`))),
  ];
}
