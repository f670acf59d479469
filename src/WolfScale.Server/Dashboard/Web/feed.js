// What the node sends, for as long as it does; and who else is there when it does not.

/** A picture comes every second; a frozen node breaks no connection. */
const SILENCE_MS = 3500;
const AGAIN_MS = 1500;
const PING_MS = 1500;

/**
 * Calls back: begin(points), picture(snapshot), history(events), state("live" | "silent" | "full").
 */
export class Feed {
  #hears;
  #source = null;
  #watch = 0;
  #again = 0;
  #began = false;
  #turn = 0;

  constructor(hears) {
    this.#hears = hears;
  }

  async start() {
    clearTimeout(this.#again);
    try {
      this.#hears.begin(await read("/dashboard/history"));
      this.#began = true;
    } catch {
      this.#silent();
      return;
    }
    this.#listen();
  }

  #listen() {
    this.#source?.close();
    const source = new EventSource("/dashboard/stream");
    this.#source = source;
    this.#wait();
    source.addEventListener("snapshot", (e) => {
      if (source !== this.#source) return;
      this.#wait();
      this.#hears.state("live");
      this.#hears.picture(JSON.parse(e.data));
    });
    source.addEventListener("history", (e) => this.#hears.history(JSON.parse(e.data)));
    source.addEventListener("error", () => { if (source === this.#source) this.#silent(); });
  }

  #wait() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#silent(), SILENCE_MS);
  }

  async #silent() {
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.start(), AGAIN_MS);
    const turn = ++this.#turn;
    const full = this.#began && (await answers(""));
    if (turn === this.#turn && this.#source === null) this.#hears.state(full ? "full" : "silent");
  }
}

async function read(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PING_MS * 2) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

/** Whether anything answers at an origin. What it says cannot be read from here, and need not be. */
export async function answers(origin) {
  try {
    const answer = await fetch(`${origin}/dashboard/ping`, { mode: origin ? "no-cors" : "same-origin", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PING_MS) });
    return origin !== "" || answer.ok;
  } catch {
    return false;
  }
}
