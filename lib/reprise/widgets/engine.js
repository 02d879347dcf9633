// The page's side of the worker.
/* global WORKER_SOURCE -- the text of tasks.js and all that it needs; Python puts it in front of this module */

import { server, unpack } from "./tasks.js";

const LISTEN = `
let answer = null;
self.onmessage = ({ data }) => {
  if (data.packed) answer = server(unpack(data.packed), (message) => self.postMessage(message));
  else answer(data);
};`;

/** Sends work to a worker made from text, which needs no address and so works from the file system too. */
export class Engine {
  constructor(packed) {
    this.waiting = new Map();
    this.next = 0;
    try {
      this.address = URL.createObjectURL(new Blob([WORKER_SOURCE + LISTEN], { type: "text/javascript" }));
      this.worker = new Worker(this.address);
      this.worker.onmessage = ({ data }) => this.receive(data);
      // Where a page's policy forbids workers, this is how it is told.
      this.worker.onerror = () => this.stay(packed);
      this.worker.postMessage({ packed });
    } catch {
      this.stay(packed);
    }
  }

  /** Go on without a worker: everything still asked for is done on the page. */
  stay(packed) {
    this.worker?.terminate();
    this.worker = null;
    this.answer = server(unpack(packed), (message) => this.receive(message));
    for (const { message } of this.waiting.values()) this.answer(message);
  }

  receive({ id, value, progress, ended }) {
    const asked = this.waiting.get(id);
    if (!asked) return;
    if (progress !== undefined) {
      asked.onProgress?.(progress);
      return;
    }
    this.waiting.delete(id);
    asked.resolve(ended ? null : value);
  }

  /** Result of a task, or null where a newer request of its kind came first. */
  ask(kind, request, onProgress) {
    for (const [id, asked] of this.waiting) {
      if (asked.message.kind === kind) {
        this.waiting.delete(id);
        asked.resolve(null);
      }
    }
    const message = { kind, id: this.next++, request };
    return new Promise((resolve) => {
      this.waiting.set(message.id, { resolve, onProgress, message });
      if (this.worker) this.worker.postMessage(message);
      else this.answer(message);
    });
  }

  close() {
    this.worker?.terminate();
    if (this.address) URL.revokeObjectURL(this.address);
    this.waiting.clear();
  }
}

/** States from packed arrays, and a worker that holds them too. */
export function loaded(packed) {
  return { states: unpack(packed), engine: new Engine(packed) };
}
