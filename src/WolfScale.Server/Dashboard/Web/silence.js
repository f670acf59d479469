import { h, show } from "./dom.js";
import { clock } from "./format.js";
import { answers } from "./feed.js";

// The node whose page is open does not answer: says so, looks who else is there, and goes on with one of them unless told to stay. Pages of other nodes may not be read from here, so that is
// another page, with a token of its own.

const LOOK_AGAIN_MS = 2000;
const GO_AFTER_S = 8;

export class Silence {
  #place;
  #since = null;
  #members = [];
  #node = "";
  #there = [];
  #left = null;
  #stays = false;
  #looking = 0;
  #counting = 0;

  constructor(place) {
    this.#place = place;
  }

  set(state, snapshot) {
    if (snapshot) {
      this.#node = snapshot.cluster.node;
      this.#members = snapshot.cluster.nodes.filter((n) => n.api && n.id !== this.#node).map((n) => ({ id: n.id, origin: `${location.protocol}//${n.api}` }));
    }
    if (state === "silent") {
      if (this.#since) return;
      this.#since = snapshot ? Date.parse(snapshot.at) : Date.now();
      this.#draw();
      this.#look();
      return;
    }
    clearTimeout(this.#looking);
    clearInterval(this.#counting);
    [this.#since, this.#left, this.#stays, this.#there] = [null, null, false, []];
    this.#place.hidden = state !== "full";
    if (state === "full") show(this.#place, h("p", null, h("strong", null, "This node answers, and does not send."), " Its dashboard is open too often already, or it is only just starting. It is tried again."));
  }

  stay() {
    this.#stays = true;
    clearInterval(this.#counting);
    this.#left = null;
    this.#draw();
  }

  async #look() {
    const asked = await Promise.all(this.#members.map(async (m) => ((await answers(m.origin)) ? m : null)));
    if (!this.#since) return;
    this.#there = asked.filter(Boolean);
    if (this.#there.length > 0 && this.#left === null && !this.#stays) this.#count();
    this.#draw();
    this.#looking = setTimeout(() => this.#look(), LOOK_AGAIN_MS);
  }

  #count() {
    this.#left = GO_AFTER_S;
    this.#counting = setInterval(() => {
      if (document.querySelector("dialog[open]")) return; // somebody is in the middle of something
      this.#left--;
      if (this.#left <= 0 && this.#there.length > 0) location.assign(`${this.#there[0].origin}/${location.hash}`);
      this.#draw();
    }, 1000);
  }

  #draw() {
    if (!this.#since) return;
    this.#place.hidden = false;
    const [first] = this.#there;
    const rest = this.#members.filter((m) => m !== first);
    show(this.#place,
      h("p", { "data-key": "what" }, h("strong", null, `${this.#node || "The node"} does not answer since ${clock(this.#since)}.`), this.#node ? " What you see is how things stood then. " : " "),
      h("p", { "data-key": "who" }, first
        ? [h("a", { class: "button primary", href: `${first.origin}/${location.hash}` }, `Go on with ${first.id}`),
          this.#left !== null && h("span", { class: "countdown", "aria-hidden": "true" }, ` by itself in ${Math.max(0, this.#left)} s `),
          this.#left !== null && h("button", { type: "button", "data-action": "stay" }, "Stay here")]
        : "Looking for another node …"),
      rest.length > 0 && h("p", { "data-key": "others", class: "others" }, first ? "Or: " : "Their pages: ",
        rest.map((m) => h("a", { href: `${m.origin}/${location.hash}` }, m.id))));
  }
}

