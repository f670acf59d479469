import { $, h, show } from "./dom.js";
import { milliseconds, number } from "./format.js";

// What changes something: asked for, confirmed, with a token. The token lives in this tab and goes nowhere but into a header.

const KEY = "wolfscale.token";
const LIMIT_MS = 130_000;

export const token = {
  get: () => { try { return sessionStorage.getItem(KEY) ?? ""; } catch { return memory; } },
  set: (value) => { memory = value; try { if (value) sessionStorage.setItem(KEY, value); else sessionStorage.removeItem(KEY); } catch { /* kept in memory alone */ } showAccess(); },
};
let memory = "";

export function showAccess() {
  const has = token.get() !== "";
  $("access").textContent = has ? "Forget token" : "Token …";
  $("access").title = has ? "This tab holds a token for what changes something" : "A token is needed for what changes something";
}

/** What each action says before, and after. */
const ACTIONS = {
  promote: (id, snapshot) => ({
    title: `Make ${id} the leader?`,
    text: `The lead of ${name(snapshot)} moves from ${snapshot.cluster.leader ?? "nobody"} to ${id}. Writes pause meanwhile; transactions that have not ended by then are rolled back.`,
    confirm: `Move the lead to ${id}`, busy: "Moving the lead …", path: `/dashboard/nodes/${encodeURIComponent(id)}/promote`, body: {}, done: switched,
  }),
  demote: (id, snapshot) => ({
    title: `Take the lead from ${id}?`,
    text: `The lead of ${name(snapshot)} moves from ${id} to the best-placed other node. Writes pause meanwhile; transactions that have not ended by then are rolled back.`,
    confirm: "Give the lead away", busy: "Moving the lead …", path: `/dashboard/nodes/${encodeURIComponent(id)}/demote`, body: {}, done: switched,
  }),
  maintenance: (id, snapshot, on) => ({
    title: on ? `Put ${id} into maintenance?` : `End the maintenance of ${id}?`,
    text: on
      ? `${id} keeps the lead away from now on, over restarts too.${snapshot.cluster.leader === id ? " It leads now, so the lead moves first: writes pause meanwhile, and transactions that have not ended by then are rolled back." : ""}`
      : `${id} may lead again. Nothing moves by itself.`,
    confirm: on ? "Begin maintenance" : "End maintenance", busy: "Asking …", path: `/dashboard/nodes/${encodeURIComponent(id)}/maintenance`, body: { on },
    done: (answer) => `${answer.node} is ${answer.on ? "in maintenance" : "no longer in maintenance"}. ${answer.leader ?? "Nobody"} leads.`,
  }),
  verify: () => ({
    title: "Compare all nodes?",
    text: "All rows are read on every node at one LSN. Writes go on; the servers and disks work for it as long as it takes.",
    confirm: "Compare", busy: "Beginning …", path: "/dashboard/verify", body: {}, done: () => "The comparison has begun; its place on the page tells how far it is.",
  }),
  "verify-cancel": () => ({
    title: "Give the comparison up?", text: "What was compared so far counts for nothing.", confirm: "Give it up", busy: "Asking …", path: "/dashboard/verify", method: "DELETE", done: () => "It was given up.",
  }),
};

const name = (snapshot) => (snapshot.cluster.cluster_name ? `cluster ${snapshot.cluster.cluster_name}` : "the cluster");

const switched = (answer) => answer.reason ?? `${answer.leader} leads. ${answer.write_pause_ms === null ? "How long writes waited is not known." : `Writes waited ${number(answer.write_pause_ms)} ms at most.`}`;

/** Asks a person, and then the node. */
export function ask(action, id, snapshot, on, say) {
  const what = ACTIONS[action](id, snapshot, on);
  const dialog = h("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" });
  const draw = (problem, busy, outcome) => show(dialog, h("form", { method: "dialog" },
    h("h2", { id: "dialog-title" }, what.title),
    h("p", { id: "dialog-text" }, what.text),
    outcome ? h("p", { class: "outcome", role: "status" }, outcome) : tokenField(problem),
    problem && h("p", { class: "problem", role: "alert", id: "dialog-problem" }, problem.text),
    h("div", { class: "dialog-actions" },
      h("button", { type: "button", value: "cancel", "data-key": "cancel", class: outcome ? "primary" : "" }, outcome ? "Close" : "Cancel"),
      !outcome && h("button", { type: "submit", value: "do", "data-key": "do", class: "primary", disabled: busy, "aria-busy": busy }, busy ? what.busy : what.confirm))));
  draw(null, false, null);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (e) => { if (e.target === dialog || e.target.value === "cancel") dialog.close(); });
  dialog.addEventListener("submit", async (e) => {
    e.preventDefault();
    const typed = dialog.querySelector("input")?.value.trim() || token.get();
    draw(null, true, null);
    const { outcome, problem } = await send(what, typed);
    if (outcome && typed) token.set(typed);
    if (problem?.token && typed === token.get()) token.set("");
    draw(problem, false, outcome);
    if (outcome) {
      say(outcome);
      dialog.querySelector("button").focus();
    } else {
      (dialog.querySelector("input") ?? dialog.querySelector("button.primary")).focus();
    }
  });
  dialog.showModal();
  (dialog.querySelector("input") ?? dialog.querySelector("button.primary")).focus();
}

/** Types a token for later. */
export function askToken() {
  if (token.get()) {
    token.set("");
    return;
  }
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, h("form", { method: "dialog" },
    h("h2", { id: "dialog-title" }, "Token"),
    tokenField(null),
    h("div", { class: "dialog-actions" },
      h("button", { type: "button", value: "cancel" }, "Cancel"),
      h("button", { type: "submit", class: "primary" }, "Keep for this tab"))));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (e) => { if (e.target === dialog || e.target.value === "cancel") dialog.close(); });
  dialog.addEventListener("submit", () => token.set(dialog.querySelector("input").value.trim()));
  dialog.showModal();
  dialog.querySelector("input").focus();
}

function tokenField(problem) {
  if (token.get() && !problem?.token) return h("p", { class: "note" }, "With the token that this tab holds.");
  return h("div", { class: "field" },
    h("label", { for: "token" }, "Token"),
    h("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", "aria-describedby": problem ? "dialog-problem token-note" : "token-note", "aria-invalid": problem?.token ? "true" : null }),
    h("p", { class: "note", id: "token-note" }, "An admin's, from [api] in the configuration. Kept in this tab until it is closed. Leave it empty where none is set."));
}

async function send(what, bearer) {
  try {
    const headers = what.body ? { "Content-Type": "application/json" } : {};
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    const answer = await fetch(what.path, {
      method: what.method ?? "POST", headers, body: what.body && JSON.stringify(what.body), cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(LIMIT_MS),
    });
    const text = await answer.text();
    if (answer.ok) return { outcome: what.done(text ? JSON.parse(text) : {}) };
    return { problem: { token: answer.status === 401 || answer.status === 403, text: explain(answer.status, text, bearer) } };
  } catch (e) {
    return { problem: { token: false, text: e.name === "TimeoutError"
      ? `No answer after ${milliseconds(LIMIT_MS)}: whether it was done is not known. The page shows how things stand.`
      : e instanceof TypeError && bearer && /[^\x20-\x7e]/.test(bearer) ? "This is not a token: it holds characters that none has."
      : "The node did not answer. The page shows how things stand." } };
  }
}

function explain(status, text, bearer) {
  let problem = null;
  try {
    problem = JSON.parse(text);
  } catch {
    // Not of a node.
  }
  if (status === 401) return bearer ? "The node does not know this token. It is in [api] of its configuration file." : "This needs a token: that of [api] in the node's configuration file.";
  return problem?.detail ?? `The node answered ${status}.`;
}
